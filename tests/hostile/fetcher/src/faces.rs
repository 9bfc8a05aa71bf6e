//! One question through either face, and its answer in one form, so that the two can be compared.

use footbridge_sdk::connector::http;
use serde::Deserialize;
use wasip2::http::outgoing_handler::{self, FutureIncomingResponse};
use wasip2::http::types::{
    ErrorCode, Fields, IncomingResponse, Method, OutgoingRequest, RequestOptions, Scheme,
};
use wasip2::io::streams::StreamError;

/// What is asked for.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Question {
    pub(crate) service: String,
    pub(crate) path: String,
    #[serde(default)]
    pub(crate) query: Vec<(String, String)>,
    #[serde(default)]
    pub(crate) headers: Vec<(String, String)>,
}

impl Question {
    pub(crate) fn to(path: &str) -> Self {
        Self {
            service: "accounting".to_owned(),
            path: path.to_owned(),
            query: Vec::new(),
            headers: Vec::new(),
        }
    }
}

/// Through the contract's own `http`.
pub(crate) fn first(question: &Question) -> String {
    let headers = question.headers.iter().cloned();
    let request = http::Request {
        service: question.service.clone(),
        path: question.path.clone(),
        query: question.query.clone(),
        headers: headers
            .map(|(name, value)| http::Header { name, value })
            .collect(),
    };
    match http::get(&request) {
        Ok(response) => {
            let headers = response.headers.into_iter();
            let body = match response.body {
                http::Body::Json(text) | http::Body::Text(text) => text,
                http::Body::Empty => String::new(),
            };
            answer(
                response.status,
                headers.map(|header| (header.name, header.value)).collect(),
                &body,
            )
        }
        Err(http::Error::Denied(why)) => format!("denied: {why}"),
        Err(http::Error::Budget(seconds)) => format!("budget: {seconds}"),
        Err(http::Error::Transport(why)) => format!("transport: {why}"),
        Err(http::Error::AuthExpired(why)) => format!("auth-expired: {why}"),
    }
}

/// Through `wasi:http`.
pub(crate) fn second(question: &Question) -> String {
    match started(request(question), None) {
        Ok(future) => finished(&future),
        Err(error) => words(error),
    }
}

/// The request, ready to be sent.
pub(crate) fn request(question: &Question) -> OutgoingRequest {
    let headers: Vec<(String, Vec<u8>)> = question
        .headers
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().into_bytes()))
        .collect();
    let fields = Fields::from_list(&headers).unwrap_or_else(|_| Fields::new());
    let request = OutgoingRequest::new(fields);
    let host = match question.service.contains('.') {
        true => question.service.clone(),
        false => format!("{}.service.internal", question.service),
    };
    let mut path = encoded(&question.path, "/%:@!$&'()*+,;=");
    for (n, (name, value)) in question.query.iter().enumerate() {
        path.push(if n == 0 { '?' } else { '&' });
        path.push_str(&encoded(name, ""));
        path.push('=');
        path.push_str(&encoded(value, ""));
    }
    let set = request
        .set_method(&Method::Get)
        .and_then(|()| request.set_scheme(Some(&Scheme::Https)))
        .and_then(|()| request.set_authority(Some(&host)))
        .and_then(|()| request.set_path_with_query(Some(&path)));
    assert!(set.is_ok(), "a request that can't even be written");
    request
}

pub(crate) fn started(
    request: OutgoingRequest,
    options: Option<RequestOptions>,
) -> Result<FutureIncomingResponse, ErrorCode> {
    outgoing_handler::handle(request, options)
}

/// Waits for the answer and reads all of it.
pub(crate) fn finished(future: &FutureIncomingResponse) -> String {
    match arrived(future) {
        Ok(response) => read(&response),
        Err(error) => words(error),
    }
}

/// Waits for the answer.
pub(crate) fn arrived(future: &FutureIncomingResponse) -> Result<IncomingResponse, ErrorCode> {
    future.subscribe().block();
    match future.get() {
        Some(Ok(response)) => response,
        _ => Err(ErrorCode::InternalError(Some("no answer".to_owned()))),
    }
}

pub(crate) fn words(error: ErrorCode) -> String {
    match error {
        ErrorCode::InternalError(Some(words)) => words,
        other => format!("{other:?}"),
    }
}

fn read(response: &IncomingResponse) -> String {
    let headers = response.headers().entries().into_iter();
    let headers = headers.map(|(name, value)| (name, String::from_utf8_lossy(&value).into_owned()));
    let mut body = Vec::new();
    if let Ok(incoming) = response.consume()
        && let Ok(stream) = incoming.stream()
    {
        loop {
            match stream.blocking_read(64 * 1024) {
                Ok(bytes) => body.extend(bytes),
                Err(StreamError::Closed) => break,
                Err(StreamError::LastOperationFailed(error)) => {
                    return format!("cut: {}", error.to_debug_string());
                }
            }
        }
    }
    answer(
        response.status(),
        headers.collect(),
        &String::from_utf8_lossy(&body),
    )
}

fn answer(status: u16, mut headers: Vec<(String, String)>, body: &str) -> String {
    headers.sort();
    let headers: Vec<String> = headers
        .into_iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    format!("{status} [{}] {body}", headers.join("; "))
}

fn encoded(text: &str, also: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        let char = char::from(byte);
        if char.is_ascii_alphanumeric() || "-._~".contains(char) || also.contains(char) {
            out.push(char);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
