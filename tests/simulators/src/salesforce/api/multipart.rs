//! The two parts of a deployment's body: its options as JSON, and the zip.

use base64::Engine as _;
use serde_json::Value;

use crate::salesforce::error::ApiError;

/// What a `multipart/form-data` body held.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Parts {
    pub(super) json: Option<Value>,
    pub(super) zip: Option<Vec<u8>>,
}

/// Reads a body of that content type. Parts are told apart by their own types; clients name them
/// differently (`json` and `file` in the documents, `entity_content` in jsforce).
pub(super) fn read(content_type: &str, body: &[u8]) -> Result<Parts, ApiError> {
    let bad = |message: &str| ApiError::new("INVALID_MULTIPART_REQUEST", message);
    let boundary = content_type
        .split(';')
        .filter_map(|parameter| parameter.trim().strip_prefix("boundary="))
        .map(|boundary| boundary.trim_matches('"'))
        .next()
        .filter(|boundary| !boundary.is_empty())
        .ok_or_else(|| bad("The content type has no boundary"))?;
    let delimiter = format!("--{boundary}");
    let mut rest = find(body, delimiter.as_bytes())
        .and_then(|at| body.get(at + delimiter.len()..))
        .ok_or_else(|| bad("The body has no parts"))?;
    let next = format!("\r\n{delimiter}");
    let mut parts = Parts::default();
    while !rest.starts_with(b"--") {
        rest = rest
            .strip_prefix(b"\r\n")
            .ok_or_else(|| bad("A part does not begin on a line of its own"))?;
        let end = find(rest, next.as_bytes()).ok_or_else(|| bad("The last part does not end"))?;
        let (part, after) = rest.split_at(end);
        one(part, &mut parts).ok_or_else(|| bad("A part could not be read"))?;
        rest = after.get(next.len()..).unwrap_or_default();
    }
    Ok(parts)
}

fn one(part: &[u8], parts: &mut Parts) -> Option<()> {
    let end = find(part, b"\r\n\r\n")?;
    let (head, body) = (part.get(..end)?, part.get(end + 4..)?);
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let header = |name: &str| {
        head.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| key.trim() == name)
            .map(|(_, value)| value.trim().to_owned())
    };
    let decoded = match header("content-transfer-encoding").as_deref() {
        Some("base64") => {
            let text: Vec<u8> = body
                .iter()
                .copied()
                .filter(|byte| !byte.is_ascii_whitespace())
                .collect();
            base64::engine::general_purpose::STANDARD
                .decode(text)
                .ok()?
        }
        _ => body.to_vec(),
    };
    let kind = header("content-type").unwrap_or_default();
    if kind.starts_with("application/json") {
        parts.json = Some(serde_json::from_slice(&decoded).ok()?);
    } else if kind.starts_with("application/zip") || kind.starts_with("application/octet-stream") {
        parts.zip = Some(decoded);
    }
    Some(())
}

fn find(body: &[u8], wanted: &[u8]) -> Option<usize> {
    body.windows(wanted.len())
        .position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_parts_are_found_whatever_they_are_called() {
        let body = b"--X\r\nContent-Disposition: form-data; name=\"json\"\r\nContent-Type: application/json\r\n\r\n{\"a\":1}\r\n\
            --X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"deploy.zip\"\r\nContent-Type: application/zip\r\n\r\nPK\r\n\r\nz\r\n--X--\r\n";
        let parts = read("multipart/form-data; boundary=\"X\"", body).unwrap();
        assert_eq!(parts.json, Some(serde_json::json!({"a": 1})));
        assert_eq!(parts.zip.as_deref(), Some(b"PK\r\n\r\nz".as_slice()));
        for bad in ["multipart/form-data", "multipart/form-data; boundary=Y"] {
            assert_eq!(
                read(bad, body).unwrap_err().code,
                "INVALID_MULTIPART_REQUEST"
            );
        }
        let cut = body.get(..body.len() - 8).unwrap();
        assert!(read("multipart/form-data; boundary=X", cut).is_err());
    }
}
