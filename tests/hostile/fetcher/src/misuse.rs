//! What can be done to a host through `wasi:http` besides asking, each under a name. Each says how it went, if it comes
//! back.

use crate::faces::{Question, arrived, finished, request, started, words};
use std::mem::forget;
use wasip2::http::types::{Fields, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme};

/// All of them.
pub(crate) const DEEDS: &[(&str, fn() -> String)] = &[
    ("zero time-outs", zero_timeouts),
    ("header bomb", header_bomb),
    ("leak fields", leak_fields),
    ("hoard methods", hoard_methods),
    ("hoard bodies", hoard_bodies),
    ("many at once", many_at_once),
    ("never read", never_read),
    ("drop at once", drop_at_once),
    ("ask twice", ask_twice),
    ("unfinished body", unfinished_body),
    ("body", body),
    ("body flood", body_flood),
    ("methods", methods),
    ("elsewhere", elsewhere),
    ("plain", plain),
    ("slow upstream", slow_upstream),
];

fn asked(request: OutgoingRequest) -> String {
    match started(request, None) {
        Ok(future) => finished(&future),
        Err(error) => words(error),
    }
}

fn zero_timeouts() -> String {
    let options = RequestOptions::new();
    let set = options
        .set_connect_timeout(Some(0))
        .and_then(|()| options.set_first_byte_timeout(Some(0)))
        .and_then(|()| options.set_between_bytes_timeout(Some(0)));
    match (
        set,
        started(request(&Question::to("/Contacts")), Some(options)),
    ) {
        (Ok(()), Ok(future)) => finished(&future),
        (_, Err(error)) => words(error),
        (Err(()), _) => "can't be set".to_owned(),
    }
}

fn header_bomb() -> String {
    let fields = Fields::new();
    let mut set = 0;
    while fields.append(&format!("x-{set}"), &[b'y'; 500]).is_ok() {
        set += 1;
    }
    assert!(set < 1_000, "{set} fields were taken");
    let request = OutgoingRequest::new(fields);
    let ready = request
        .set_authority(Some("accounting.service.internal"))
        .and_then(|()| request.set_scheme(Some(&Scheme::Https)))
        .and_then(|()| request.set_path_with_query(Some("/Contacts")));
    assert!(ready.is_ok(), "it can't be written");
    asked(request)
}

fn leak_fields() -> String {
    loop {
        forget(Fields::new());
    }
}

fn hoard_methods() -> String {
    let long = Method::Other("M".repeat(512 * 1024));
    let mut kept = Vec::new();
    loop {
        // Fewer than may be held at once; each is written again and again.
        if kept.len() < 200 {
            kept.push(OutgoingRequest::new(Fields::new()));
        }
        for request in &kept {
            let _ = request.set_method(&long);
        }
    }
}

fn hoard_bodies() -> String {
    let mut kept = Vec::new();
    for _ in 0..300 {
        let request = OutgoingRequest::new(Fields::new());
        let Ok(body) = request.body() else { continue };
        let Ok(stream) = body.write() else { continue };
        let room = stream.check_write().unwrap_or(0);
        let most = usize::try_from(room).unwrap_or(0);
        assert!(most <= 64 * 1024, "room for {most} bytes");
        let _ = stream.write(&vec![b'x'; most]);
        // The stream goes before its body.
        kept.push((stream, body, request));
    }
    "held".to_owned()
}

fn many_at_once() -> String {
    let pending: Vec<_> = (0..40)
        .map(|_| started(request(&Question::to("/Invoices/counted")), None))
        .collect();
    let mut answered = 0;
    let mut refused = String::new();
    for one in pending {
        match one.map(|future| finished(&future)) {
            Ok(said) if said.starts_with("200") => answered += 1,
            Ok(said) => refused = said,
            Err(error) => refused = words(error),
        }
    }
    format!("{answered} answered, then {refused}")
}

fn never_read() -> String {
    let mut kept = Vec::new();
    loop {
        let future = match started(request(&Question::to("/Invoices/large")), None) {
            Ok(future) => future,
            Err(error) => return words(error),
        };
        match arrived(&future) {
            Ok(response) => kept.push(response),
            Err(error) => return format!("{} held, then {}", kept.len(), words(error)),
        }
    }
}

fn drop_at_once() -> String {
    drop(started(request(&Question::to("/Invoices/slow")), None));
    "dropped".to_owned()
}

fn ask_twice() -> String {
    let future = match started(request(&Question::to("/Contacts")), None) {
        Ok(future) => future,
        Err(error) => return words(error),
    };
    let first = finished(&future);
    match future.get() {
        Some(Err(())) if first.starts_with("200") => "taken already".to_owned(),
        other => format!("{first} {}", other.is_some()),
    }
}

fn unfinished_body() -> String {
    let request = request(&Question::to("/Contacts"));
    let body = request.body();
    let said = asked(request);
    drop(body);
    said
}

fn body() -> String {
    with_body(1, 10)
}

fn body_flood() -> String {
    with_body(10_000, 4_096)
}

fn with_body(times: usize, bytes: usize) -> String {
    let request = request(&Question::to("/Contacts"));
    let (Ok(body), future) = (request.body(), started(request, None)) else {
        return "no body".to_owned();
    };
    if let Ok(stream) = body.write() {
        for _ in 0..times {
            if stream.blocking_write_and_flush(&vec![b'x'; bytes]).is_err() {
                break;
            }
        }
    }
    let _ = OutgoingBody::finish(body, None);
    match future {
        Ok(future) => finished(&future),
        Err(error) => words(error),
    }
}

fn methods() -> String {
    let tried = [
        Method::Head,
        Method::Post,
        Method::Put,
        Method::Patch,
        Method::Delete,
        Method::Options,
        Method::Trace,
        Method::Connect,
        Method::Other("GET ".trim().to_lowercase()),
        Method::Other("PURGE".to_owned()),
    ];
    let said = tried.map(|method| {
        let request = request(&Question::to("/Contacts"));
        match request.set_method(&method) {
            Ok(()) => asked(request),
            Err(()) => "can't be set".to_owned(),
        }
    });
    said.join("\n")
}

fn elsewhere() -> String {
    let tried = [
        "evil.example",
        "127.0.0.1",
        "169.254.169.254",
        "[::1]",
        "api.xero.com",
        "accounting.service.internal:80",
        "accounting.service.internal.",
        "user@accounting.service.internal",
        "accounting.service.internal.evil.example",
        "service.internal",
    ];
    let said = tried.map(|host| {
        let request = request(&Question::to("/Contacts"));
        match request.set_authority(Some(host)) {
            Ok(()) => asked(request),
            Err(()) => "denied: there is no service at what can't be set".to_owned(),
        }
    });
    said.join("\n")
}

fn plain() -> String {
    let request = request(&Question::to("/Contacts"));
    match request.set_scheme(Some(&Scheme::Http)) {
        Ok(()) => asked(request),
        Err(()) => "can't be set".to_owned(),
    }
}

fn slow_upstream() -> String {
    match started(request(&Question::to("/Invoices/silent")), None) {
        Ok(future) => finished(&future),
        Err(error) => words(error),
    }
}
