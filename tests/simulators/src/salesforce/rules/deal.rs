//! Deals: stage, winning, amount rolled up from lines, history, primary contact.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::salesforce::check::{Changes, bad_picklist};
use crate::salesforce::defect::Defect;
use crate::salesforce::dml::{Env, Origin, bin, stamp_modified};
use crate::salesforce::error::ApiError;
use crate::salesforce::options::{AmountWithoutLines, Currencies, StageDateOnCreate};
use crate::salesforce::store::{Record, Store};
use crate::salesforce::value::FieldValue;

pub(super) fn before_save(
    store: &Store,
    env: Env<'_>,
    old: Option<&Record>,
    deal: &mut Record,
    given: &Changes,
) -> Result<(), ApiError> {
    if env.options.currencies == Currencies::Multi && deal.get("CurrencyIsoCode").is_null() {
        deal.set("CurrencyIsoCode", FieldValue::text(&env.options.currency));
    }
    if let Some(old) = old.filter(|old| old.get("HasOpportunityLineItem").is_true()) {
        // With lines, an amount that is written is ignored, not refused.
        if !store.has(Defect::AmountOverLines) {
            deal.set("Amount", old.get("Amount").clone());
        }
        for field in ["Pricebook2Id", "CurrencyIsoCode"] {
            if deal.get(field) != old.get(field) {
                return Err(ApiError::about(
                    "FIELD_INTEGRITY_EXCEPTION",
                    format!(
                        "field integrity exception: {field} (cannot be changed while the opportunity has products)"
                    ),
                    &[field],
                ));
            }
        }
    }
    stage(store, env, old, deal, given)?;
    expect_revenue(deal);
    Ok(())
}

fn stage(
    store: &Store,
    env: Env<'_>,
    old: Option<&Record>,
    deal: &mut Record,
    given: &Changes,
) -> Result<(), ApiError> {
    let Some(name) = deal.text("StageName").map(str::to_owned) else {
        return Ok(());
    };
    if old.is_some_and(|old| old.text("StageName") == Some(name.as_str())) {
        return Ok(());
    }
    let Some(stage) = store
        .all("OpportunityStage")
        .find(|stage| stage.text("ApiName") == Some(name.as_str()))
    else {
        return match store
            .schema
            .object("Opportunity")
            .and_then(|def| def.field("StageName"))
        {
            Some(field) if !store.has(Defect::AnyStageAccepted) => Err(bad_picklist(field, &name)),
            _ => Ok(()),
        };
    };
    for field in ["IsClosed", "IsWon", "ForecastCategory"] {
        deal.set(field, stage.get(field).clone());
    }
    if given.get("Probability").is_none_or(FieldValue::is_null) {
        deal.set("Probability", stage.get("DefaultProbability").clone());
    }
    if env.origin == Origin::Load {
        return Ok(());
    }
    let follows = !store.has(Defect::StageDateUnset);
    if follows && (old.is_some() || env.options.stage_date_on_create == StageDateOnCreate::Set) {
        deal.set("LastStageChangeDate", FieldValue::Instant(env.now));
    }
    let was_won = old.is_some_and(|old| old.get("IsWon").is_true());
    let today = env.now.date_naive();
    if deal.get("IsWon").is_true()
        && !was_won
        && !store.has(Defect::CloseDateKept)
        && deal
            .get("CloseDate")
            .as_date()
            .is_some_and(|date| date > today)
    {
        deal.set("CloseDate", FieldValue::Date(today));
    }
    Ok(())
}

fn expect_revenue(deal: &mut Record) {
    let away = rust_decimal::RoundingStrategy::MidpointAwayFromZero;
    let revenue = deal
        .get("Amount")
        .as_number()
        .zip(deal.get("Probability").as_number())
        .map(|(amount, probability)| {
            (amount * probability / Decimal::ONE_HUNDRED).round_dp_with_strategy(2, away)
        });
    deal.set(
        "ExpectedRevenue",
        revenue.map_or(FieldValue::Null, FieldValue::Number),
    );
}

pub(super) fn after_save(
    store: &mut Store,
    env: Env<'_>,
    old: Option<&Record>,
    deal: &Record,
    given: &Changes,
) -> Result<(), ApiError> {
    let watched = [
        "StageName",
        "Amount",
        "CloseDate",
        "Probability",
        "ForecastCategory",
    ];
    if old.is_none_or(|old| {
        watched
            .iter()
            .any(|field| old.get(field) != deal.get(field))
    }) {
        let at = match env.origin {
            Origin::Api => env.now,
            Origin::Load => loaded_at(deal).unwrap_or(env.now),
        };
        write_history(store, env, old, deal, at);
    }
    let contact = given.get("ContactId").and_then(FieldValue::as_text);
    if let (None, Some(contact)) = (old, contact) {
        let mut role = Record::default();
        let id = store.fresh_id("OpportunityContactRole");
        role.set("Id", FieldValue::Text(id));
        role.set("OpportunityId", FieldValue::text(deal.id()));
        role.set("ContactId", FieldValue::text(contact));
        role.set("IsPrimary", FieldValue::Flag(true));
        role.set("IsDeleted", FieldValue::Flag(false));
        for field in [
            "CreatedDate",
            "CreatedById",
            "LastModifiedDate",
            "LastModifiedById",
            "SystemModstamp",
        ] {
            role.set(field, deal.get(field).clone());
        }
        store.put("OpportunityContactRole", role);
    }
    Ok(())
}

fn loaded_at(deal: &Record) -> Option<DateTime<Utc>> {
    deal.get("LastStageChangeDate")
        .as_instant()
        .or_else(|| deal.get("CreatedDate").as_instant())
}

/// One row of history; several changes in one second make one row.
fn write_history(
    store: &mut Store,
    env: Env<'_>,
    old: Option<&Record>,
    deal: &Record,
    at: DateTime<Utc>,
) {
    if store.has(Defect::HistoryMissing) {
        return;
    }
    let same_second = store
        .with(
            "OpportunityHistory",
            "OpportunityId",
            &FieldValue::text(deal.id()),
        )
        .into_iter()
        .find(|row| {
            row.get("CreatedDate").as_instant() == Some(at)
                && row.get("StageName") == deal.get("StageName")
        })
        .cloned();
    let mut row = same_second.unwrap_or_else(|| {
        let mut row = Record::default();
        let id = store.fresh_id("OpportunityHistory");
        row.set("Id", FieldValue::Text(id));
        row.set("OpportunityId", FieldValue::text(deal.id()));
        row.set("IsDeleted", FieldValue::Flag(false));
        row.set("CreatedById", FieldValue::text(env.user));
        row.set("CreatedDate", FieldValue::Instant(at));
        if let Some(old) = old {
            row.set("PrevAmount", old.get("Amount").clone());
            row.set("PrevCloseDate", old.get("CloseDate").clone());
        }
        row
    });
    row.set("SystemModstamp", FieldValue::Instant(at));
    for field in [
        "StageName",
        "Amount",
        "ExpectedRevenue",
        "CloseDate",
        "Probability",
        "ForecastCategory",
        "CurrencyIsoCode",
    ] {
        row.set(field, deal.get(field).clone());
    }
    store.put("OpportunityHistory", row);
}

/// Sums the lines into their deal, stamps it, and keeps the history.
pub(super) fn roll_up(store: &mut Store, env: Env<'_>, id: &str) {
    let Some(old) = store.live("Opportunity", id).cloned() else {
        return;
    };
    let lines = store.with(
        "OpportunityLineItem",
        "OpportunityId",
        &FieldValue::text(id),
    );
    let sum = |field: &str| -> Decimal {
        lines
            .iter()
            .filter_map(|line| line.get(field).as_number())
            .sum()
    };
    let (total, quantity, any) = (sum("TotalPrice"), sum("Quantity"), !lines.is_empty());
    let book = lines
        .first()
        .and_then(|line| line.text("PricebookEntryId"))
        .and_then(|id| store.get("PricebookEntry", id))
        .map(|entry| entry.get("Pricebook2Id").clone());
    let mut deal = old.clone();
    deal.set("HasOpportunityLineItem", FieldValue::Flag(any));
    if any || env.options.amount_without_lines == AmountWithoutLines::Zero {
        deal.set("Amount", FieldValue::Number(total));
        deal.set("TotalOpportunityQuantity", FieldValue::Number(quantity));
    }
    if let Some(book) = book.filter(|_| deal.get("Pricebook2Id").is_null()) {
        deal.set("Pricebook2Id", book);
    }
    expect_revenue(&mut deal);
    if env.origin == Origin::Load {
        store.put("Opportunity", deal.clone());
        if let Some(at) = loaded_at(&deal) {
            write_history(store, env, None, &deal, at);
        }
        return;
    }
    let stamps = !store.has(Defect::LineLeavesStamp);
    if let Some(def) = store
        .schema
        .object("Opportunity")
        .cloned()
        .filter(|_| stamps)
    {
        stamp_modified(&mut deal, &def, env);
    }
    store.put("Opportunity", deal.clone());
    if deal.get("Amount") != old.get("Amount") {
        write_history(store, env, Some(&old), &deal, env.now);
    }
}

/// The primary role's contact is the deal's; there is one primary. The deal is not stamped.
pub(super) fn primary_contact(store: &mut Store, role: &Record) {
    let Some(deal_id) = role
        .text("OpportunityId")
        .filter(|_| role.get("IsPrimary").is_true())
    else {
        return;
    };
    let others: Vec<Record> = store
        .with(
            "OpportunityContactRole",
            "OpportunityId",
            &FieldValue::text(deal_id),
        )
        .into_iter()
        .filter(|other| other.id() != role.id() && other.get("IsPrimary").is_true())
        .cloned()
        .collect();
    for mut other in others {
        other.set("IsPrimary", FieldValue::Flag(false));
        store.put("OpportunityContactRole", other);
    }
    if let Some(mut deal) = store.live("Opportunity", deal_id).cloned() {
        deal.set("ContactId", role.get("ContactId").clone());
        store.put("Opportunity", deal);
    }
}

/// Lines, roles and history go with their deal.
pub(super) fn after_delete(store: &mut Store, env: Env<'_>, deal: &Record) {
    if store.has(Defect::DealLeavesLines) {
        return;
    }
    for object in [
        "OpportunityLineItem",
        "OpportunityContactRole",
        "OpportunityHistory",
    ] {
        let gone: Vec<Record> = store
            .with(object, "OpportunityId", &FieldValue::text(deal.id()))
            .into_iter()
            .cloned()
            .collect();
        for record in gone {
            bin(store, env, object, &record);
        }
    }
}
