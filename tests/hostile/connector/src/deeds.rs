//! What hostile code does to its host, each under a name. Anything else does nothing.

use footbridge_sdk::connector::log;
use std::hint::black_box;

/// Does the deed.
pub(crate) fn commit(deed: &str) {
    match deed {
        "trap" => std::process::abort(),
        "panic" => {
            let nothing: Option<u8> = black_box(None);
            #[expect(clippy::expect_used, reason = "a guest that panics is the point")]
            nothing.expect("these are its last words");
        }
        "exit" => std::process::exit(3),
        "loop" => loop {
            black_box(());
        },
        "grow" => {
            let mut all: Vec<Vec<u8>> = Vec::new();
            loop {
                all.push(black_box(vec![1; 1024 * 1024]));
            }
        }
        "recurse" => drop(black_box(deeper(1))),
        "copy" => {
            let mut big = vec![1u8; 64 * 1024 * 1024];
            loop {
                big.copy_within(1.., 0);
                black_box(&mut big);
            }
        }
        "log flood" => {
            let line = format!("\u{1b}[31mred\u{7}{}", "x".repeat(100_000));
            for _ in 0..10_000 {
                log::write(log::Level::Info, &line);
            }
        }
        "print flood" => {
            for _ in 0..10_000 {
                println!("{}", "x".repeat(1_000));
            }
        }
        "sleep" => std::thread::sleep(std::time::Duration::from_secs(3_600)),
        "files" => {
            let found = std::fs::read("/etc/passwd").is_ok()
                || std::fs::read_dir(".").is_ok()
                || std::fs::write("x", "y").is_ok()
                || std::env::vars().next().is_some()
                || std::env::args().next().is_some();
            assert!(!found, "something of the host can be seen");
        }
        _ => {}
    }
}

fn deeper(n: u64) -> u64 {
    let room = black_box([n; 64]);
    if black_box(n) == 0 {
        return 0;
    }
    deeper(n + 1) + black_box(room)[0]
}
