//! Files that are no plugin of ours: refused before anything of them runs, and what was installed stays.

use crate::books::Books;

const NEEDLESS: &str = r#"(component
    (import "wasi:sockets/tcp@0.2.3" (instance))
    (instance $nothing)
    (export "footbridge:plugin/transform@0.1.0-dev.1" (instance $nothing)))"#;

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_plugin_is_refused() {
    let books = Books::open(4).await;
    let core = wat::parse_str("(module)").unwrap();
    let socket = wat::parse_str(NEEDLESS).unwrap();
    let nothing = wat::parse_str("(component)").unwrap();
    let damaged = [socket.as_slice(), &[9, 200, 1]].concat();
    let before = books.run(&["plugin", "list", "--json"]).await;
    for (name, bytes, why) in [
        (
            "letter.txt",
            b"Dear Sir or Madam".as_slice(),
            "the file is not WebAssembly: it doesn't begin as such files do. Give the .wasm file of a component",
        ),
        (
            "core.wasm",
            &core,
            "the file is a core WebAssembly module, not a component. Build it for wasm32-wasip2, or turn it into one with `wasm-tools component new`",
        ),
        (
            "socket.wasm",
            &socket,
            "the transform imports wasi:sockets/tcp@0.2.3, which is not lent to a transform. No plugin gets a socket.",
        ),
        (
            "nothing.wasm",
            &nothing,
            "the component exports nothing. A connector exports schema and some of feed, lookup, writes and setup; a transform exports transform, and only that",
        ),
        ("damaged.wasm", &damaged, "the file is not WebAssembly"),
    ] {
        std::fs::write(books.path(name), bytes).unwrap();
        let file = books.path(name).display().to_string();
        for (arguments, said) in [
            (
                vec!["plugin", "inspect", &file],
                format!("footbridge: BOOKS/{name} can't be used as a plugin\n  "),
            ),
            (
                vec!["plugin", "install", &file, "--name", "mine"],
                format!("footbridge: BOOKS/{name} was not installed\n  "),
            ),
        ] {
            let ended = books.run(&arguments).await;
            if name == "socket.wasm" && arguments[1] == "inspect" {
                // A component of ours that asks for too much is told about whole, the refusal with the rest.
                let told = ended.out.split_whitespace().collect::<Vec<_>>().join(" ");
                assert!(told.contains(why), "{told}");
                assert_eq!(ended.code, 2);
                continue;
            }
            let why = why.split('\n').next().unwrap_or_default();
            assert!(
                ended.err.starts_with(&format!("{said}{why}")),
                "{}",
                ended.err
            );
            assert_eq!((ended.code, ended.out.as_str()), (2, ""), "{}", ended.err);
        }
    }
    let file = books.path("socket.wasm").display().to_string();
    let ended = books
        .run(&["plugin", "install", &file, "--name", "mapping"])
        .await;
    assert_eq!(
        ended.err,
        "footbridge: \"mapping\" is the name of a plugin that comes along and would be put back at the next start. Choose another --name"
    );
    assert_eq!(
        books.run(&["plugin", "list", "--json"]).await.out,
        before.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_too_large_is_refused_by_its_size() {
    let books = Books::open(4).await;
    let file = std::fs::File::create(books.path("huge.wasm")).unwrap();
    file.set_len(64 * 1024 * 1024 + 1).unwrap();
    let path = books.path("huge.wasm").display().to_string();
    let ended = books.run(&["plugin", "inspect", &path]).await;
    assert_eq!(
        ended.err,
        "footbridge: BOOKS/huge.wasm can't be used as a plugin\n  BOOKS/huge.wasm is larger than the limit of 67108864 bytes"
    );
    assert_eq!(ended.code, 2);
    let ended = books.run(&["plugin", "inspect", "/no/such.wasm"]).await;
    assert_eq!(
        ended.err,
        "footbridge: /no/such.wasm can't be used as a plugin\n  /no/such.wasm can't be read: No such file or directory (os error 2)"
    );
    assert_eq!(ended.code, 2);
}
