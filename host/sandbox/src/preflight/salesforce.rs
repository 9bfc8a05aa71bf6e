//! Salesforce: which organisation the credential is for, and whether it can be used.
//!
//! Reads limits, the organisation's own record, who it is, and the description of each object that the flows name. Next: `connect.rs`.

use super::{Needs, Preflight, flag, text, whole};
use crate::broker::{Line, Own, Refusal, Reply};
use crate::connect::{ConnectError, Reachable};
use crate::connection::Auth;
use crate::oauth::vault::Chosen;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

const ORGANISATION: &str =
    "SELECT Id, Name, IsSandbox, OrganizationType, TrialExpirationDate FROM Organization";
/// Fewer calls than this are as good as none.
const FEW_CALLS: u64 = 100;

/// The one organisation that the credential is for. Where the API is off, who it is can still be asked; [`prove`] then says that.
pub(crate) async fn reaches(line: &Arc<Line>) -> Result<Vec<Reachable>, ConnectError> {
    let (id, name) = match organisation(line).await {
        Ok((chosen, _)) => (chosen.id, chosen.name),
        Err(error) => {
            let told = userinfo(line).await.ok_or(error)?;
            let id = text(&told, "organization_id")
                .unwrap_or_default()
                .to_owned();
            (id.clone(), id)
        }
    };
    Ok(vec![Reachable {
        id,
        name,
        ids: None,
    }])
}

/// What it says of the user that it acts as.
async fn userinfo(line: &Arc<Line>) -> Option<Value> {
    let told = line
        .own(&Own::get(&["services", "oauth2", "userinfo"]))
        .await;
    let told = told.ok().filter(|reply| reply.status == 200)?;
    told.json()
}

/// The organisation's record: who it is, and its edition.
async fn organisation(line: &Arc<Line>) -> Result<(Chosen, Value), ConnectError> {
    let version = version(line);
    let segments = ["services", "data", version.as_str(), "query"];
    let own = Own {
        query: &[("q", ORGANISATION)],
        ..Own::get(&segments)
    };
    let reply = line.own(&own).await?;
    let body = reply.json();
    let record = body
        .as_ref()
        .and_then(|body| body.get("records")?.as_array()?.first());
    let (Some(record), 200) = (record, reply.status) else {
        return Err(ConnectError::FarSide(refused(
            &reply,
            "which organisation it is",
        )));
    };
    let (Some(id), Some(test)) = (text(record, "Id"), flag(record, "IsSandbox")) else {
        return Err(ConnectError::FarSide(
            "Salesforce does not say which organisation it is, or whether it is a sandbox. Give the connection's user the right to see it".to_owned(),
        ));
    };
    let chosen = Chosen {
        id: id.to_owned(),
        name: text(record, "Name").unwrap_or(id).to_owned(),
        test,
        tenant: None,
        connection: None,
    };
    Ok((chosen, record.clone()))
}

/// Looks at everything that flows need.
pub(crate) async fn prove(line: &Arc<Line>, needs: &Needs) -> Result<Preflight, ConnectError> {
    let mut preflight = Preflight::default();
    let version = version(line);
    let data = ["services", "data", version.as_str()];
    let limits = line
        .own(&Own::get(&[&data[..], &["limits"]].concat()))
        .await?;
    if limits.status != 200 {
        preflight.problem(
            "API",
            format!("Salesforce refused a call of its API: {}", refused(&limits, "the limits")),
            "The edition must have the API (Enterprise, Unlimited, Developer; Professional with the API add-on), and the user needs the permission API Enabled",
        );
        return Ok(preflight);
    }
    preflight.well("API", format!("on, version {version}"));
    let (chosen, record) = organisation(line).await?;
    let kind = if chosen.test {
        "a sandbox"
    } else {
        "production"
    };
    preflight.well("organisation", format!("{}, {kind}", chosen.name));
    line.tokens.choose(chosen);
    edition(&mut preflight, &record);
    if let Some(limits) = limits.json() {
        room(&mut preflight, &limits);
    }
    rights(line, &mut preflight, needs, &data).await?;
    who(line, &mut preflight).await;
    renewal(line, &mut preflight);
    Ok(preflight)
}

fn version(line: &Line) -> String {
    line.connection
        .api_version
        .clone()
        .unwrap_or_else(|| "v66.0".to_owned())
}

fn edition(preflight: &mut Preflight, record: &Value) {
    let edition = text(record, "OrganizationType").unwrap_or("not told");
    match (edition, text(record, "TrialExpirationDate")) {
        (_, Some(ends)) => preflight.note(
            "edition",
            format!("{edition}, a trial that ends on {ends}: everything stops then"),
        ),
        ("Professional Edition", None) => preflight.note(
            "edition",
            "Professional Edition: its API is a paid add-on, so keep that when the contract is renewed",
        ),
        (_, None) => preflight.well("edition", edition),
    }
}

/// Calls and storage that are left.
fn room(preflight: &mut Preflight, limits: &Value) {
    let of = |name: &str| {
        let entry = limits.get(name)?;
        Some((whole(entry, "Remaining")?, whole(entry, "Max")?))
    };
    match of("DailyApiRequests") {
        None => preflight.note("calls left", "Salesforce did not say"),
        Some((left, most)) if left < FEW_CALLS => preflight.problem(
            "calls left",
            format!("{left} of {most} in these 24 hours"),
            "Wait, or find out in Setup > System Overview what uses them up",
        ),
        Some((left, most)) => {
            preflight.well("calls left", format!("{left} of {most} in these 24 hours"));
        }
    }
    match of("DataStorageMB") {
        None => preflight.note("storage left", "Salesforce did not say"),
        Some((0, most)) => preflight.problem(
            "storage left",
            format!("none of {most} MB"),
            "Delete records or buy storage: a record takes about 2 KB, and nothing new can be written before",
        ),
        Some((left, most)) if left.saturating_mul(10) <= most => preflight.note(
            "storage left",
            format!("{left} of {most} MB, room for about {} records", left.saturating_mul(500)),
        ),
        Some((left, most)) => preflight.well("storage left", format!("{left} of {most} MB")),
    }
}

/// Whether each object can be read, and each field written.
async fn rights(
    line: &Arc<Line>,
    preflight: &mut Preflight,
    needs: &Needs,
    data: &[&str],
) -> Result<(), Refusal> {
    let mut objects: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for object in &needs.reads {
        objects.entry(object).or_default();
    }
    for (object, field) in &needs.writes {
        objects.entry(object).or_default().push(field);
    }
    for (object, fields) in objects {
        let what = format!("rights on {object}");
        let segments = [data, &["sobjects", object, "describe"]].concat();
        let reply = line.own(&Own::get(&segments)).await?;
        let described = reply.json().filter(|_| reply.status == 200);
        let Some(described) = described.filter(|it| flag(it, "queryable") == Some(true)) else {
            preflight.problem(
                &what,
                "the user can't see it",
                format!("Give the user a permission set that may read {object}"),
            );
            continue;
        };
        let has = |field: &str| {
            let all = described.get("fields").and_then(Value::as_array);
            let found = all.and_then(|all| all.iter().find(|it| text(it, "name") == Some(field)));
            found.map(|found| flag(found, "updateable") == Some(true))
        };
        let missing: Vec<&str> = fields
            .iter()
            .copied()
            .filter(|f| has(f).is_none())
            .collect();
        let fixed: Vec<&str> = fields
            .iter()
            .copied()
            .filter(|f| has(f) == Some(false))
            .collect();
        if !missing.is_empty() {
            preflight.problem(
                &what,
                format!("no field {} that the user can see", missing.join(", ")),
                "Create these fields, or give the user access to them by a permission set, or take them out of [flows.NAME.write-back]",
            );
        }
        if !fixed.is_empty() {
            preflight.problem(
                &what,
                format!("may not write {}", fixed.join(", ")),
                "Give the user edit access to these fields by a permission set",
            );
        }
        if missing.is_empty() && fixed.is_empty() {
            preflight.well(
                &what,
                match fields.len() {
                    0 => "may read".to_owned(),
                    n => format!(
                        "may read, and write {n} field{}",
                        if n == 1 { "" } else { "s" }
                    ),
                },
            );
        }
    }
    Ok(())
}

/// Whom it acts as.
async fn who(line: &Arc<Line>, preflight: &mut Preflight) {
    let told = userinfo(line).await;
    let login = told
        .as_ref()
        .and_then(|told| text(told, "preferred_username").or_else(|| text(told, "username")));
    let name = told
        .as_ref()
        .and_then(|told| text(told, "name").or_else(|| text(told, "display_name")));
    let who = match (name, login) {
        (Some(name), Some(login)) => format!("{name} ({login})"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => {
            return preflight.note("acts as", "Salesforce did not say whom it acts as");
        }
    };
    match line.connection.auth {
        Auth::Code => {
            line.tokens.is_by(who);
            preflight.consented(
                line.tokens.record().consent.as_ref(),
                "The connection acts as this user and ends when the user is frozen, deactivated or loses the app: use a user of its own for it, not a person's",
            );
        }
        Auth::ClientCredentials | Auth::JwtBearer => preflight.well(
            "acts as",
            format!("{who}. It ends when this user is frozen or deactivated: use a user of its own for it, not a person's"),
        ),
    }
}

fn renewal(line: &Line, preflight: &mut Preflight) {
    if line.connection.auth != Auth::Code {
        return;
    }
    let record = line.tokens.record();
    if record
        .standing
        .tokens()
        .is_some_and(|it| it.refresh.is_some())
    {
        preflight.note(
            "renewal",
            "by refresh token. Leave refresh token rotation off in the app's policies: with it, one lost answer means connecting again. Connections that nobody has to renew: auth = \"jwt-bearer\" or \"client-credentials\"",
        );
    } else {
        preflight.problem(
            "renewal",
            "no refresh token was given, so the connection would end with its first session",
            "Allow the app the scope \"Perform requests at any time (refresh_token, offline_access)\"",
        );
    }
}

/// Salesforce's own words.
fn refused(reply: &Reply, what: &str) -> String {
    let body = reply.json();
    let first = body.as_ref().and_then(|body| body.as_array()?.first());
    let said = first.and_then(|error| {
        Some(format!(
            "{}: {}",
            text(error, "errorCode")?,
            text(error, "message")?
        ))
    });
    said.unwrap_or_else(|| format!("{what} was answered with status {}", reply.status))
}
