//! A batch of 100 records of a kilobyte through the mapping that comes along, in the sandbox, against the same code native.
//!
//! The sandbox starts a fresh instance for each batch, so the settings are read each time; natively the same is forced by
//! settings that differ each time. A second comparison lets the native code keep its settings: what a host without a sandbox
//! would do.

use crate::finding::{Finding, Verdict};
use crate::ground::{Ground, Size};
use crate::measure::{Attempt, Spread, attempt, in_turns};
use anyhow::ensure;
use footbridge::template::MAPPING;
use footbridge_engine::ports::Transform;
use footbridge_mapping::component::Component;
use footbridge_model::document::Document;
use footbridge_model::plugin::TransformBatch;
use footbridge_sandbox::PluginKind;
use footbridge_sdk::mapping::{Batch, Guest, Input};
use serde_json::json;
use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

const NAME: &str = "batch";
const RECORDS: usize = 100;
const AS_OF: &str = "2026-06-01T10:00:00Z";
const TODAY: &str = "2026-06-01";

pub(crate) async fn run(ground: &Ground) -> anyhow::Result<Vec<Finding>> {
    let records = records(match ground.size {
        Size::Usual => RECORDS,
        Size::Tiny => 3,
    });
    let bytes: usize = records.iter().map(|(_, _, doc)| doc.len()).sum();
    let count = records.len();
    let sandboxed = ground.transform("mapping")?;
    let drafts = native(&records, MAPPING.to_owned())?;
    same(
        &drafts,
        &apply(&sandboxed, batch(&records, MAPPING)).await?.1,
    )?;
    let others: Vec<(String, Arc<dyn Transform>)> = ground
        .extra
        .iter()
        .filter(|installed| installed.kind == PluginKind::Transform)
        .map(|installed| Ok((installed.name.clone(), ground.transform(&installed.name)?)))
        .collect::<anyhow::Result<_>>()?;
    let turn = Cell::new(0u64);
    let fresh = || {
        turn.set(turn.get() + 1);
        format!("{MAPPING}\n# {}\n", turn.get())
    };
    let mut things: Vec<Attempt<'_>> = vec![
        attempt(|| async {
            let batch = batch(&records, &fresh());
            Ok(apply(&sandboxed, batch).await?.0)
        }),
        attempt(|| async {
            let settings = fresh();
            let began = Instant::now();
            native(&records, settings)?;
            Ok(began.elapsed())
        }),
        attempt(|| async {
            // The settings of the attempt before would be forgotten otherwise.
            native(&records, MAPPING.to_owned())?;
            let began = Instant::now();
            native(&records, MAPPING.to_owned())?;
            Ok(began.elapsed())
        }),
        attempt(|| async {
            let began = Instant::now();
            for draft in &drafts {
                std::hint::black_box(Document::from_plugin(draft)?.canonical());
            }
            Ok(began.elapsed())
        }),
    ];
    for (_, transform) in &others {
        let records = &records;
        things.push(attempt(move || async move {
            Ok(apply(transform, batch(records, MAPPING)).await?.0)
        }));
    }
    let spreads = in_turns(ground.rounds(200), things).await?;
    let [inside, cold, warm, canonical, rest @ ..] = spreads.as_slice() else {
        return Ok(Vec::new());
    };
    let what = format!("{count} records of {} bytes, mapping", bytes / count.max(1));
    let main = Finding::new(NAME, what, *inside).against("the same code native", *cold);
    let verdict = match main.against.as_ref().map(|other| other.ratio_hundredths) {
        Some(0..=150) => Verdict::Met,
        Some(151..=200) => Verdict::Missed,
        _ => Verdict::Failed,
    };
    let mut findings = vec![
        main.goal("1.5x, above 2x fails", verdict)
            .note("a fresh instance each batch, so both read the settings each time"),
        Finding::new(NAME, "the same, sandboxed", *inside)
            .against("native, settings kept from batch to batch", *warm),
        Finding::new(
            NAME,
            "of it: the host makes the drafts canonical",
            *canonical,
        )
        .against("the whole sandboxed batch", *inside),
    ];
    for ((name, _), spread) in others.iter().zip(rest) {
        findings.push(other(name, *spread, *cold));
    }
    Ok(findings)
}

fn other(name: &str, spread: Spread, native: Spread) -> Finding {
    Finding::new(NAME, format!("the same records, {name}"), spread)
        .against("the mapping, native", native)
}

/// Deals as they come from Salesforce, with the paths that the template reads.
fn records(count: usize) -> Vec<(String, String, String)> {
    let line = |n: usize, code: &str| {
        json!({
            "Id": format!("00k5g00000{n:05}AAB"), "Quantity": format!("{}.5", n % 7 + 1), "UnitPrice": format!("{}.25", n % 900 + 10),
            "Discount": if n.is_multiple_of(3) { json!("10") } else { json!(null) }, "SortOrder": (n % 9).to_string(),
            "Description": format!("{code}: delivered, fitted and signed off"), "ProductCode": code, "Tax_Treatment__c": null,
            "Product2": {"Name": format!("Product {code}"), "ProductCode": code},
        })
    };
    (0..count)
        .map(|n| {
            let id = format!("0065g00000{n:05}AAB");
            let deal = json!({
                "Id": id, "Name": format!("Conveyor refit, hall {n}"), "AccountId": format!("0015g00000{:05}AAC", n % 40),
                "Amount": format!("{}.50", n * 37 + 100), "CurrencyIsoCode": "GBP", "PO_Number__c": format!("PO-{n:06}"),
                "Bill_To_Account__c": null,
                "Account": {"Name": "Northern Conveyors Ltd", "ParentId": null, "Bill_Parent__c": false, "Payment_Terms_Days__c": "14"},
                "OpportunityLineItems": [line(n, "BELT-12"), line(n + 1, "LABOUR"), line(n + 2, "ROLLER-4")],
            });
            let doc = Document::from_api(&deal.to_string()).unwrap_or(Document::Null);
            ("Opportunity".to_owned(), id, doc.canonical())
        })
        .collect()
}

fn batch(records: &[(String, String, String)], settings: &str) -> TransformBatch {
    TransformBatch {
        settings: settings.to_owned(),
        as_of: AS_OF.to_owned(),
        local_date: TODAY.to_owned(),
        inputs: records.to_vec(),
    }
}

async fn apply(
    transform: &Arc<dyn Transform>,
    batch: TransformBatch,
) -> anyhow::Result<(Duration, Vec<String>)> {
    let began = Instant::now();
    let results = transform.apply(batch).await?;
    let took = began.elapsed();
    let mut drafts = Vec::new();
    for result in results {
        let made = result.map_err(|problem| anyhow::anyhow!("{}", problem.message))?;
        drafts.extend(made.into_iter().map(|draft| draft.doc));
    }
    Ok((took, drafts))
}

fn native(records: &[(String, String, String)], settings: String) -> anyhow::Result<Vec<String>> {
    let input = |(object, id, doc): &(String, String, String)| Input {
        object: object.clone(),
        id: id.clone(),
        doc: doc.clone(),
    };
    let results = Component::apply(Batch {
        settings,
        as_of: AS_OF.to_owned(),
        local_date: TODAY.to_owned(),
        inputs: records.iter().map(input).collect(),
    });
    let mut drafts = Vec::new();
    for result in results {
        let made = result.map_err(|problem| anyhow::anyhow!("{}", problem.message))?;
        drafts.extend(made.into_iter().map(|draft| draft.doc));
    }
    Ok(drafts)
}

/// Both must have done the same, or nothing is compared.
fn same(native: &[String], sandboxed: &[String]) -> anyhow::Result<()> {
    for (one, other) in native.iter().zip(sandboxed) {
        ensure!(
            Document::from_plugin(one)? == Document::from_plugin(other)?,
            "the sandboxed mapping gave another draft than the native one"
        );
    }
    ensure!(native.len() == sandboxed.len(), "a draft is missing");
    Ok(())
}
