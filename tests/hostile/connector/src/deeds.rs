//! What hostile code does to its host while changes are read, each under a name. Those that come back give an honest page.

use crate::flood;
use footbridge_sdk::connector::{http, log};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// All of them.
pub(crate) const DEEDS: &[(&str, fn())] = &[
    ("trap", trap),
    ("panic", panics),
    ("trap in drop", trap_in_drop),
    ("trap after the answer", trap_after_the_answer),
    ("exit", || std::process::exit(3)),
    ("loop", spin_for_ever),
    ("grow", grow),
    ("recurse", recurse),
    ("copy", copy),
    ("log flood", log_flood),
    ("print flood", print_flood),
    ("random flood", flood::random),
    ("random at once", flood::random_at_once),
    ("leak handles", flood::leak_handles),
    ("header bomb", header_bomb),
    ("header of 20 MiB", header_of_20_mib),
    ("giant path", giant_path),
    ("sleep", || std::thread::sleep(Duration::from_secs(3_600))),
    ("poll for ever", flood::poll_for_ever),
    ("rest often", rest_often),
    ("work and rest", work_and_rest),
    ("work and read", work_and_read),
    ("files", files),
];

fn trap() {
    std::process::abort()
}

fn panics() {
    let nothing: Option<u8> = black_box(None);
    #[expect(clippy::expect_used, reason = "a guest that panics is the point")]
    nothing.expect("these are its last words");
}

fn trap_in_drop() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            std::process::abort();
        }
    }
    drop(black_box(Bomb));
}

/// The host has the whole answer and lets the guest clean up.
fn trap_after_the_answer() {
    flood::trap_when_freed();
}

fn spin_for_ever() {
    loop {
        black_box(());
    }
}

fn grow() {
    let mut all: Vec<Vec<u8>> = Vec::new();
    loop {
        all.push(black_box(vec![1; 1024 * 1024]));
    }
}

fn recurse() {
    black_box(deeper(1));
}

fn copy() {
    let mut big = vec![1u8; 64 * 1024 * 1024];
    loop {
        big.copy_within(1.., 0);
        black_box(&mut big);
    }
}

fn log_flood() {
    let line = format!("\u{1b}[31mred\u{7}{}", "x".repeat(100_000));
    for _ in 0..500 {
        log::write(log::Level::Info, &line);
    }
}

fn print_flood() {
    for _ in 0..2_000 {
        println!("{}", "x".repeat(1_000));
    }
}

fn header_bomb() {
    let header = |n| http::Header {
        name: format!("x-{n}"),
        value: "y".repeat(100),
    };
    refused("/Contacts", (0..5_000).map(header).collect());
}

fn header_of_20_mib() {
    let header = http::Header {
        name: "x-long".to_owned(),
        value: "y".repeat(20 << 20),
    };
    refused("/Contacts", vec![header]);
}

fn giant_path() {
    refused(&format!("/{}", "x".repeat(10 << 20)), Vec::new());
}

/// Asks for what must be refused.
fn refused(path: &str, headers: Vec<http::Header>) {
    let request = http::Request {
        service: "accounting".to_owned(),
        path: path.to_owned(),
        query: Vec::new(),
        headers,
    };
    let answer = http::get(&request);
    assert!(
        matches!(answer, Err(http::Error::Denied(_))),
        "it was not denied: {answer:?}"
    );
}

/// Waits far longer than it may work, and works next to nothing.
fn rest_often() {
    for _ in 0..40 {
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Never works for long at once, and more than it may in all.
fn work_and_rest() {
    loop {
        spin(Duration::from_millis(8));
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The same, waiting for the broker.
fn work_and_read() {
    let request = http::Request {
        service: "accounting".to_owned(),
        path: "/Contacts".to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
    };
    loop {
        spin(Duration::from_millis(8));
        let _ = black_box(http::get(&request));
    }
}

fn spin(time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        black_box(());
    }
}

fn files() {
    let found = std::fs::read("/etc/passwd").is_ok()
        || std::fs::read_dir(".").is_ok()
        || std::fs::write("x", "y").is_ok()
        || std::env::vars().next().is_some()
        || std::env::args().next().is_some();
    assert!(!found, "something of the host can be seen");
}

fn deeper(n: u64) -> u64 {
    let room = black_box([n; 64]);
    if black_box(n) == 0 {
        return 0;
    }
    deeper(n + 1) + black_box(room)[0]
}
