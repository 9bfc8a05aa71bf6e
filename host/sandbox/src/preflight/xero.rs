//! Xero: which organisations a consent reaches, and whether the chosen one can be used.
//!
//! Reads `/connections`, `/Organisation` and `/Organisation/Actions`. Next: `connect.rs`.

use super::{Approves, Needs, Preflight, flag, text};
use crate::broker::{Line, Own, Reply};
use crate::connect::{ConnectError, Reachable};
use crate::connection::Auth;
use crate::oauth::vault::Chosen;
use serde_json::Value;
use std::sync::Arc;

/// The organisations among the tenants of the credential; of a custom connection its one organisation, which needs no tenant.
pub(crate) async fn reaches(line: &Arc<Line>, path: &str) -> Result<Vec<Reachable>, ConnectError> {
    if !line.connection.auth.needs_consent() {
        let reply = line
            .own(&Own::get(&["api.xro", "2.0", "Organisation"]))
            .await?;
        let one = first(&reply, "Organisations").and_then(|one| {
            let id = text(&one, "OrganisationID")?.to_ascii_lowercase();
            let name = text(&one, "Name").unwrap_or(&id).to_owned();
            Some(Reachable {
                id,
                name,
                ids: None,
            })
        });
        return one.map(|one| vec![one]).ok_or_else(|| {
            ConnectError::FarSide(format!(
                "Xero did not say which organisation the custom connection is for (status {}). Check that it is authorised: developer.xero.com > My Apps",
                reply.status
            ))
        });
    }
    let reply = line.own(&Own::get(&[path])).await?;
    let listed = reply.json();
    let Some(Value::Array(listed)) = listed.filter(|_| reply.status == 200) else {
        return Err(ConnectError::FarSide(format!(
            "Xero did not say which organisations may be used (status {}). Run the command again",
            reply.status
        )));
    };
    let organisations = listed
        .iter()
        .filter(|tenant| text(tenant, "tenantType").is_none_or(|kind| kind == "ORGANISATION"));
    organisations
        .map(|tenant| {
            let (Some(id), Some(connection)) = (text(tenant, "tenantId"), text(tenant, "id"))
            else {
                return Err(ConnectError::FarSide(
                    "Xero listed an organisation without an id. Run the command again".to_owned(),
                ));
            };
            Ok(Reachable {
                id: id.to_ascii_lowercase(),
                name: text(tenant, "tenantName").unwrap_or(id).to_owned(),
                ids: Some((id.to_owned(), connection.to_owned())),
            })
        })
        .collect()
}

/// Looks at the chosen organisation.
pub(crate) async fn prove(line: &Arc<Line>, needs: &Needs) -> Result<Preflight, ConnectError> {
    let mut preflight = Preflight::default();
    let record = line.tokens.record();
    let tenant = record
        .chosen
        .as_ref()
        .and_then(|chosen| chosen.tenant.clone());
    let get = |last: &'static [&'static str]| {
        let tenant = tenant.clone();
        async move {
            let segments: Vec<&str> = ["api.xro", "2.0"].iter().chain(last).copied().collect();
            let own = Own {
                organisation: tenant.as_deref(),
                ..Own::get(&segments)
            };
            line.own(&own).await
        }
    };
    let reply = get(&["Organisation"]).await?;
    let organisation = first(&reply, "Organisations");
    let Some(organisation) = organisation.filter(|_| reply.status == 200) else {
        preflight.problem(
            "organisation",
            format!("Xero does not show it (status {})", reply.status),
            "The person who consents needs a role in this organisation that may see its settings (Standard or Adviser), and the app needs the scope accounting.settings.read",
        );
        return Ok(preflight);
    };
    the_organisation(line, &mut preflight, &organisation);
    scopes(line, &mut preflight);
    let reply = get(&["Organisation", "Actions"]).await?;
    rights(&mut preflight, needs, &reply);
    match line.left().day {
        Some(0) => preflight.problem(
            "calls left today",
            "none",
            "Wait for tomorrow, or find out what else uses this organisation's calls",
        ),
        Some(left) => preflight.well("calls left today", left.to_string()),
        None => preflight.note("calls left today", "Xero did not say"),
    }
    preflight.consented(
        record.consent.as_ref(),
        "The connection acts with their rights in Xero and ends when they lose them or leave: then somebody else connects it",
    );
    if line.connection.auth == Auth::Code && refresh_token_is_missing(line) {
        preflight.problem(
            "renewal",
            "no refresh token was given, so the connection would end in half an hour",
            "The app must be allowed the scope offline_access",
        );
    }
    Ok(preflight)
}

fn refresh_token_is_missing(line: &Line) -> bool {
    let record = line.tokens.record();
    let tokens = record.standing.tokens();
    tokens.is_some_and(|tokens| tokens.refresh.is_none())
}

fn the_organisation(line: &Line, preflight: &mut Preflight, organisation: &Value) {
    let (Some(id), Some(demo)) = (
        text(organisation, "OrganisationID"),
        flag(organisation, "IsDemoCompany"),
    ) else {
        return preflight.problem(
            "organisation",
            "Xero does not say which it is, or whether it is a demo company",
            "Run the command again",
        );
    };
    let name = text(organisation, "Name").unwrap_or_default();
    let before = line.tokens.record().chosen;
    line.tokens.choose(Chosen {
        id: id.to_ascii_lowercase(),
        name: name.to_owned(),
        test: demo,
        tenant: before.as_ref().and_then(|chosen| chosen.tenant.clone()),
        connection: before.and_then(|chosen| chosen.connection),
    });
    let kind = if demo {
        "Xero's demo company"
    } else {
        "a live company"
    };
    let status = text(organisation, "OrganisationStatus").unwrap_or("ACTIVE");
    if status == "ACTIVE" {
        preflight.well("organisation", format!("{name}, {kind}"));
    } else {
        preflight.problem(
            "organisation",
            format!("{name}, {kind}, is {status}"),
            "Bring its subscription into order at Xero",
        );
    }
    match text(organisation, "Class") {
        Some(class) => preflight.well("edition", class.to_ascii_lowercase()),
        None => preflight.note("edition", "Xero did not say"),
    }
}

/// What the token may do, against what is asked for.
fn scopes(line: &Line, preflight: &mut Preflight) {
    let record = line.tokens.record();
    let Some(given) = record.consent.and_then(|consent| consent.scopes) else {
        return;
    };
    let given: Vec<&str> = given.split(' ').collect();
    let covered = |wanted: &&str| {
        // Reading is part of reading and writing.
        given.contains(wanted)
            || wanted
                .strip_suffix(".read")
                .is_some_and(|whole| given.contains(&whole))
    };
    let wanted = line
        .profile
        .scopes
        .split(' ')
        .filter(|scope| !scope.is_empty());
    let missing: Vec<&str> = wanted.filter(|scope| !covered(scope)).collect();
    if missing.is_empty() {
        preflight.well("the app's rights", "all that were asked for");
    } else {
        preflight.problem(
            "the app's rights",
            format!("not given: {}", missing.join(", ")),
            "Allow the app these scopes, then connect again and leave everything ticked",
        );
    }
}

fn rights(preflight: &mut Preflight, needs: &Needs, reply: &Reply) {
    const WHAT: &str = "the person's rights";
    let listed = reply.json();
    let actions = listed
        .as_ref()
        .and_then(|body| body.get("Actions")?.as_array());
    let Some(actions) = actions.filter(|_| reply.status == 200) else {
        return preflight.note(WHAT, "Xero did not say what this person may do");
    };
    let refused = |name: &str| {
        actions.iter().any(|action| {
            text(action, "Name") == Some(name) && text(action, "Status") == Some("NOT-ALLOWED")
        })
    };
    let mut wanted = vec![("CreateDraftInvoice", "draft invoices")];
    if needs.approves == Approves::Yes {
        wanted.push(("CreateApprovedInvoice", "approve invoices"));
    }
    let missing: Vec<&str> = wanted
        .into_iter()
        .filter(|(name, _)| refused(name))
        .map(|(_, words)| words)
        .collect();
    if missing.is_empty() {
        preflight.well(WHAT, "may write invoices");
    } else {
        preflight.problem(
            WHAT,
            format!("may not {}", missing.join(" nor ")),
            "Somebody with the role Standard or Adviser connects it, or this person is given that role",
        );
    }
}

fn first(reply: &Reply, list: &str) -> Option<Value> {
    reply.json()?.get(list)?.as_array()?.first().cloned()
}
