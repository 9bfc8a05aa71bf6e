//! What a plugin does with the storage that it is lent, each under a name.

use crate::failure;
use footbridge_sdk::connector::{Failure, Item, Presence, http, keyvalue, lookup};

/// All of it.
pub(crate) const KEEPING: &[&str] = &[
    "count",
    "count and trap",
    "count and fail",
    "fill",
    "long key",
    "empty key",
    "long value",
    "no number",
    "swap",
    "tidy",
    "pages",
    "keys",
    "echo",
];

/// Does it; answers with a JSON string.
pub(crate) fn keep(what: &str) -> Result<String, Failure> {
    let said = match what {
        "count" => increment()?.to_string(),
        "count and trap" => {
            increment()?;
            std::process::abort()
        }
        "count and fail" => {
            increment()?;
            return Err(failure("typed", "it counted and failed"));
        }
        "fill" => loop {
            let key = format!("filling {}", keys("filling ")?.len());
            if let Err(error) = keyvalue::set(&key, &vec![b'x'; 20_000]) {
                break shown(&error);
            }
        },
        "long key" => told(keyvalue::set(&"k".repeat(513), b"")),
        "empty key" => told(keyvalue::set("", b"")),
        "long value" => told(keyvalue::set("k", &vec![0; 32 * 1024 + 1])),
        "no number" => {
            told(keyvalue::set("k", b"words")) + &told(keyvalue::increment("k", 1).map(drop))
        }
        "swap" => {
            let version = get("n")?.map(|entry| entry.version);
            let first = keyvalue::compare_and_swap("n", version, b"7").map_err(refused)?;
            let stale = keyvalue::compare_and_swap("n", version, b"8").map_err(refused)?;
            format!("{first} {stale}")
        }
        "tidy" => {
            keyvalue::delete("n").map_err(refused)?;
            keyvalue::set("b", b"2").map_err(refused)?;
            keyvalue::set("a", b"1").map_err(refused)?;
            keys("")?.join(" ")
        }
        "pages" => {
            let first = keyvalue::list("filling ", None, 2).map_err(refused)?;
            let second = keyvalue::list("filling ", first.next.as_deref(), 2).map_err(refused)?;
            format!("{} then {}", first.keys.join("+"), second.keys.join("+"))
        }
        "keys" => keys("")?.join(" "),
        "echo" => echo()?,
        other => return Err(failure("no", &format!("nothing is kept as {other:?}"))),
    };
    Ok(format!("\"{said}\""))
}

/// The same as a record.
pub(crate) fn found(what: &str) -> Result<lookup::Found, Failure> {
    let item = Item {
        object: "keep".to_owned(),
        id: "kept".to_owned(),
        version: "1".to_owned(),
        presence: Presence::Present,
        doc: keep(what)?,
    };
    Ok(lookup::Found {
        items: vec![item],
        complete: true,
    })
}

/// What the storage says to a call that is pure.
pub(crate) fn in_a_pure_call() -> String {
    told(keyvalue::set("k", b""))
}

/// Keeps what an API gave back that repeats the credential it was sent.
fn echo() -> Result<String, Failure> {
    let request = http::Request {
        service: "accounting".to_owned(),
        path: "/Invoices/echo".to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
    };
    let response = http::get(&request).map_err(|error| failure("http", &format!("{error:?}")))?;
    let headers = response.headers.into_iter().map(|header| header.value);
    let headers: String = headers.collect();
    let kept = format!("{headers} {:?}", response.body);
    keyvalue::set("echo", kept.as_bytes()).map_err(refused)?;
    Ok(kept.replace(['"', '\\'], "'"))
}

fn increment() -> Result<i64, Failure> {
    keyvalue::increment("n", 1).map_err(refused)
}

fn get(key: &str) -> Result<Option<keyvalue::Entry>, Failure> {
    keyvalue::get(key).map_err(refused)
}

fn keys(prefix: &str) -> Result<Vec<String>, Failure> {
    let page = keyvalue::list(prefix, None, 1_000).map_err(refused)?;
    Ok(page.keys)
}

fn told(done: Result<(), keyvalue::Error>) -> String {
    match done {
        Ok(()) => "done; ".to_owned(),
        Err(error) => shown(&error),
    }
}

fn shown(error: &keyvalue::Error) -> String {
    match error {
        keyvalue::Error::Denied(why) => format!("denied: {why}"),
        keyvalue::Error::Quota(why) => format!("quota: {why}"),
        keyvalue::Error::Invalid(why) => format!("invalid: {}", why.replace('"', "'")),
        keyvalue::Error::Unavailable(why) => format!("unavailable: {why}"),
    }
}

fn refused(error: keyvalue::Error) -> Failure {
    failure("storage", &shown(&error))
}
