//! `/metadata/deployRequest`: queue a zip, look how far it is, cancel it.

use serde_json::Value;

use super::{ApiAnswer, ApiRequest, multipart, only};
use crate::salesforce::error::ApiError;
use crate::salesforce::ids;
use crate::salesforce::metadata::deploy::{Details, Options};
use crate::salesforce::options::MetadataRights;
use crate::salesforce::org::Org;

/// Largest zip that is taken.
const MOST: usize = 39 * 1024 * 1024;

/// Answers what comes after `/metadata/deployRequest`.
pub(super) fn run(
    org: &mut Org,
    request: &ApiRequest,
    rest: &[&str],
) -> Result<ApiAnswer, ApiError> {
    if org.options.metadata_rights == MetadataRights::Missing {
        return Err(ApiError::new(
            "INSUFFICIENT_ACCESS",
            "INSUFFICIENT_ACCESS: use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata permissions",
        )
        .status(403));
    }
    match rest {
        [] => only(request, &["POST"], |request| start(org, request)),
        [id] if request.method == "PATCH" => {
            let now = org.now();
            match org.deployments.cancel(id, now) {
                None => Err(ApiError::not_found()),
                Some((true, shown)) => Ok(ApiAnswer {
                    status: 202,
                    location: None,
                    body: Some(shown),
                }),
                Some((false, _)) => Err(ApiError::new(
                    "INVALID_ID_FIELD",
                    "Deployment already completed or in progress",
                )),
            }
        }
        [id] => only(request, &["GET", "PATCH"], |request| look(org, request, id)),
        _ => Err(ApiError::not_found()),
    }
}

fn start(org: &mut Org, request: &ApiRequest) -> Result<ApiAnswer, ApiError> {
    let bad = |message: &str| ApiError::new("INVALID_MULTIPART_REQUEST", message);
    let kind = request
        .headers
        .get("content-type")
        .map_or("", String::as_str);
    if !kind.starts_with("multipart/form-data") {
        return Err(ApiError::new(
            "UNSUPPORTED_MEDIA_TYPE",
            format!("Content type {kind:?} is not supported"),
        )
        .status(415));
    }
    let parts = multipart::read(kind, &request.raw)?;
    let options = parts
        .json
        .as_ref()
        .and_then(|json| json.get("deployOptions"))
        .filter(|options| options.is_object())
        .ok_or_else(|| bad("deployOptions are required"))?;
    let options = Options::read(options);
    let zip = parts.zip.ok_or_else(|| bad("The zip file is required"))?;
    if zip.len() > MOST {
        return Err(ApiError::new(
            "LIMIT_EXCEEDED",
            "The zip file is larger than 39 MB",
        ));
    }
    let id = ids::numbered("0Af", 50_000 + org.fresh());
    let (now, user) = (org.now(), org.user_id.clone());
    let most_fields = org.options.custom_fields;
    let shown = org
        .deployments
        .add(id.clone(), &zip, options, now, (&user, most_fields));
    Ok(ApiAnswer {
        status: 201,
        location: Some(format!(
            "/services/data/{}/metadata/deployRequest/{id}",
            request.version
        )),
        body: Some(shown),
    })
}

fn look(org: &mut Org, request: &ApiRequest, id: &str) -> Result<ApiAnswer, ApiError> {
    let details = match request.query.get("includeDetails").map(String::as_str) {
        Some("true") => Details::Included,
        _ => Details::Left,
    };
    let now = org.now();
    let shown: Option<Value> =
        org.deployments
            .look(id, details, &mut org.store, &mut org.metadata, now);
    shown.map(ApiAnswer::ok).ok_or_else(ApiError::not_found)
}
