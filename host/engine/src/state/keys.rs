//! Key layouts. Every key of a record names its connection and organisation (domain rule 3).

use footbridge_model::id::{ConnectionId, OpId, OrganisationId, RecordKey};
use footbridge_model::plan::NaturalKey;
use footbridge_model::receivable::DocumentId;
use footbridge_store::Key;

/// A connection with the organisation behind it: the head of most keys.
pub(crate) type Side = (ConnectionId, OrganisationId);

fn on(kind: &'static str, side: &Side) -> Key {
    Key::new(kind).text(side.0.as_str()).text(side.1.as_str())
}

/// The organisation a connection is pinned to.
pub(crate) fn pin(connection: &ConnectionId) -> Key {
    Key::new("pin").text(connection.as_str())
}

/// Where reading an object goes on.
pub(crate) fn cursor(side: &Side, object: &str) -> Key {
    on("cursor", side).text(object)
}

/// Records of an object that went since the last run that went on.
pub(crate) fn losses(side: &Side, object: &str) -> Key {
    on("losses", side).text(object)
}

/// The same, of all objects.
pub(crate) fn all_losses(side: &Side) -> Key {
    on("losses", side)
}

/// How many records of an object a side's user could see in the last run that went on.
pub(crate) fn visible(side: &Side, object: &str) -> Key {
    all_visible(side).text(object)
}

/// The same, of all objects; the object is the last segment.
pub(crate) fn all_visible(side: &Side) -> Key {
    on("visible", side)
}

/// A record that was told to be gone since its object was counted.
pub(crate) fn went(side: &Side, object: &str, id: &str) -> Key {
    all_went(side).text(object).text(id)
}

/// All of them; object and id are the last segments.
pub(crate) fn all_went(side: &Side) -> Key {
    on("went", side)
}

/// A record as last reported.
pub(crate) fn record(side: &Side, object: &str, id: &str) -> Key {
    on("record", side).text(object).text(id)
}

/// Under which id of its own a record is kept that was referred to by another form of it.
pub(crate) fn alias(side: &Side, object: &str, id: &str) -> Key {
    on("alias", side).text(object).text(id)
}

/// All records of an object.
pub(crate) fn records(side: &Side, object: &str) -> Key {
    on("record", side).text(object)
}

/// Records by an indexed value; the record's id is the last segment.
pub(crate) fn index(side: &Side, object: &str, index: &str, value: &str) -> Key {
    on("index", side).text(object).text(index).text(value)
}

/// A source record that changed and was not dealt with.
pub(crate) fn due(flow: &str, object: &str, id: &str) -> Key {
    Key::new("due").text(flow).text(object).text(id)
}

/// All that is due in a flow for an object.
pub(crate) fn dues(flow: &str, object: &str) -> Key {
    Key::new("due").text(flow).text(object)
}

/// The family of decisions.
pub(crate) const DECISION: &str = "decision";
/// The family of what stands beside those that wait.
pub(crate) const UNSETTLED: &str = "unsettled";

/// What was decided last about one part of a source record.
pub(crate) fn decision(flow: &str, record: &RecordKey, part: u32) -> Key {
    Key::new(DECISION)
        .text(flow)
        .text(record.object.as_str())
        .text(record.id.as_str())
        .number(u64::from(part))
}

/// All decisions about one record.
pub(crate) fn decisions_of(flow: &str, object: &str, id: &str) -> Key {
    Key::new(DECISION).text(flow).text(object).text(id)
}

/// All decisions of a flow that wait or were refused, in the index beside them.
pub(crate) fn all_unsettled(flow: &str) -> Key {
    Key::new(UNSETTLED).text(flow)
}

/// That the index holds what was decided before there was one.
pub(crate) fn unsettled_indexed(flow: &str) -> Key {
    Key::new("unsettled-indexed").text(flow)
}

/// A deal that waits, so that a run finds it without reading every decision.
pub(crate) fn waiting(flow: &str, id: &str, part: u32) -> Key {
    Key::new("waiting")
        .text(flow)
        .number(u64::from(part))
        .text(id)
}

/// All deals of a flow that wait; the deal's id is the last segment.
pub(crate) fn all_waiting(flow: &str) -> Key {
    Key::new("waiting").text(flow)
}

/// What people decided about one part of a source record.
pub(crate) fn ruling(flow: &str, record: &RecordKey, part: u32) -> Key {
    rulings_of(flow, record).number(u64::from(part))
}

/// What people decided about one source record.
pub(crate) fn rulings_of(flow: &str, record: &RecordKey) -> Key {
    rulings(flow)
        .text(record.connection.as_str())
        .text(record.organisation.as_str())
        .text(record.object.as_str())
        .text(record.id.as_str())
}

/// All that people decided in a flow.
pub(crate) fn rulings(flow: &str) -> Key {
    Key::new("ruling").text(flow)
}

/// What a part of a deal was refused for, of causes that the planner checks.
pub(crate) fn anew(flow: &str, id: &str, part: u32) -> Key {
    all_anew(flow).text(id).number(u64::from(part))
}

/// All of them.
pub(crate) fn all_anew(flow: &str) -> Key {
    Key::new("anew").text(flow)
}

/// What was refused, by operation.
pub(crate) fn refused(flow: &str, op: &OpId) -> Key {
    refusals(flow).text(op.as_str())
}

/// All of them.
pub(crate) fn refusals(flow: &str) -> Key {
    Key::new("refused").text(flow)
}

/// All decisions of a flow.
pub(crate) fn decisions(flow: &str) -> Key {
    Key::new(DECISION).text(flow)
}

/// A link.
pub(crate) fn link(id: &str) -> Key {
    Key::new("link").text(id)
}

/// All links.
pub(crate) fn links() -> Key {
    Key::new("link")
}

/// That every linked customer of this object of the CRM was looked at once.
pub(crate) fn merge_begun(flow: &str, object: &str) -> Key {
    all_merge_begun(flow).text(object)
}

/// The objects of which every linked customer was looked at once; the object is the last segment.
pub(crate) fn all_merge_begun(flow: &str) -> Key {
    Key::new("merge-begun").text(flow)
}

/// Behind which due customer the next run goes on.
pub(crate) fn merge_place(flow: &str, object: &str) -> Key {
    Key::new("merge-place").text(flow).text(object)
}

/// From a member to its links.
pub(crate) fn member(record: &RecordKey, link: &str) -> Key {
    memberships(record).text(link)
}

/// All links of a member; the link's id is the last segment.
pub(crate) fn memberships(record: &RecordKey) -> Key {
    Key::new("member")
        .text(record.connection.as_str())
        .text(record.organisation.as_str())
        .text(record.object.as_str())
        .text(record.id.as_str())
}

/// Which deal a billing key that was sent is of.
pub(crate) fn ours(billing_key: &str) -> Key {
    Key::new("ours").text(billing_key)
}

/// A journalled request.
pub(crate) fn request(id: &str) -> Key {
    Key::new("request").text(id)
}

/// All journalled requests.
pub(crate) fn requests() -> Key {
    Key::new("request")
}

/// Requests that are not settled, for recovery.
pub(crate) fn open(id: &str) -> Key {
    Key::new("open").text(id)
}

/// All of them.
pub(crate) fn opens() -> Key {
    Key::new("open")
}

/// The one unresolved write of a natural key (design invariant 4).
pub(crate) fn target(side: &Side, object: &str, key: &NaturalKey) -> Key {
    on("target", side)
        .text(object)
        .text(&key.field)
        .text(&key.value)
}

/// All unresolved writes on a connection.
pub(crate) fn targets(side: &Side) -> Key {
    on("target", side)
}

/// The next number of a flow's own sequence.
pub(crate) fn counter(flow: &str) -> Key {
    Key::new("counter").text(flow)
}

/// A record of the ledger that has to be read again by its id before anything is said of it.
pub(crate) fn reread(side: &Side, object: &str, id: &str) -> Key {
    rereads(side).text(object).text(id)
}

/// All of them; object and id are the last segments.
pub(crate) fn rereads(side: &Side) -> Key {
    on("reread", side)
}

/// What a document of the ledger counts for in its customer's balance.
pub(crate) fn stood(side: &Side, document: &DocumentId) -> Key {
    on("stood", side)
        .text(document.kind.as_str())
        .text(&document.id)
}

/// All documents that count for a customer; currency, kind and id are the last segments.
pub(crate) fn counted(side: &Side, customer: &str) -> Key {
    on("counted", side).text(customer)
}

/// Open invoices by due date; customer, currency and id are the last segments.
pub(crate) fn falls_due(side: &Side, date: &str) -> Key {
    on("falls-due", side).text(date)
}

/// Open documents by the second from which they are worth a look; kind and id are the last segments.
pub(crate) fn sweep(side: &Side, from: u64) -> Key {
    on("sweep", side).number(from)
}

/// All of them.
pub(crate) fn sweeps(side: &Side) -> Key {
    on("sweep", side)
}

/// What was last written to a record of the receivables vocabulary, by its key, or to a deal, by the link whose invoice it shows.
pub(crate) fn sent(side: &Side, object: &str, key: &str) -> Key {
    on("sent", side).text(object).text(key)
}

/// When the objects of a far side were last made or taken away.
pub(crate) fn made_anew(side: &Side) -> Key {
    on("made-anew", side)
}

/// Which of these moments a flow's way back took account of.
pub(crate) fn reflect_anew(flow: &str) -> Key {
    Key::new("reflect-anew").text(flow)
}

/// Under which rules a flow's way back began.
pub(crate) fn reflect_begun(flow: &str) -> Key {
    Key::new("reflect-begun").text(flow)
}

/// The organisation's day that a flow's balances were last looked at for.
pub(crate) fn reflect_day(flow: &str) -> Key {
    Key::new("reflect-day").text(flow)
}

/// That a person let a flow write for the first time.
pub(crate) fn let_write(flow: &str) -> Key {
    Key::new("let-write").text(flow)
}

/// A deal that a flow's pilot let in by its number.
pub(crate) fn admitted(flow: &str, deal: &str) -> Key {
    all_admitted(flow).text(deal)
}

/// All of them; the deal's id is the last segment.
pub(crate) fn all_admitted(flow: &str) -> Key {
    Key::new("pilot").text(flow)
}

/// A saved plan.
pub(crate) fn saved_plan(flow: &str, id: &str) -> Key {
    saved_plans(flow).text(id)
}

/// All saved plans of a flow.
pub(crate) fn saved_plans(flow: &str) -> Key {
    Key::new("saved-plan").text(flow)
}

/// Up to which epoch a person said go.
pub(crate) fn resumed(flow: &str) -> Key {
    Key::new("resumed").text(flow)
}

/// When old bodies were erased last.
pub(crate) fn forgot_bodies(flow: &str) -> Key {
    Key::new("forgot-bodies").text(flow)
}

/// Who else makes invoices with our keys.
pub(crate) fn stranger(flow: &str) -> Key {
    Key::new("stranger").text(flow)
}

/// An invoice that stands beside ours.
pub(crate) fn double(flow: &str, invoice: &str) -> Key {
    doubles(flow).text(invoice)
}

/// All invoices of a flow that stand beside ours, until it is clear whose they are.
pub(crate) fn doubles(flow: &str) -> Key {
    Key::new("double").text(flow)
}

/// What was done to a record; instant and order are the last segments.
pub(crate) fn history(record: &RecordKey) -> Key {
    histories()
        .text(record.connection.as_str())
        .text(record.organisation.as_str())
        .text(record.object.as_str())
        .text(record.id.as_str())
}

/// What was done to any record.
pub(crate) fn histories() -> Key {
    Key::new("history")
}

/// Which records were changed from a source record, with the same last segments.
pub(crate) fn history_from(source: &RecordKey) -> Key {
    Key::new("history-from")
        .text(source.connection.as_str())
        .text(source.organisation.as_str())
        .text(source.object.as_str())
        .text(source.id.as_str())
}

/// The last run of a flow.
pub(crate) fn last_run(flow: &str) -> Key {
    Key::new("run").text(flow)
}

/// One line of the journal.
pub(crate) fn event(micros: u64, number: u64) -> Key {
    Key::new("event").number(micros).number(number)
}

/// What is used of a plugin's space; rewritten by every change of it. Its values stand under `kept`, see `storage.rs`.
pub(crate) fn kept_head(plugin: &str, connection: &ConnectionId, organisation: &str) -> Key {
    Key::new("kept-head")
        .text(plugin)
        .text(connection.as_str())
        .text(organisation)
}

/// The journal.
pub(crate) fn events() -> Key {
    Key::new("event")
}
