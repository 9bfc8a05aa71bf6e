//! The work that both guests do, so that engines can be compared: a document is parsed and written, so many times.

use footbridge_sdk::document;
use std::hint::black_box;

/// A record as they pass through mappings.
const RECORD: &str = r#"{"Id":"0065g00000XyZabAAB","Name":"Conveyor refit, hall 3","AccountId":"0015g00000AbCdeAAC","Amount":"12480.50","CurrencyIsoCode":"GBP","Account":{"Name":"Northern Conveyors Ltd","ParentId":null,"Bill_Parent__c":false},"OpportunityLineItems":[{"Quantity":"2","UnitPrice":"4200.00","Discount":null,"Description":"Belt, 12 m","ProductCode":"BELT-12"},{"Quantity":"8.5","UnitPrice":"480.06","Discount":"10","Description":"Fitting by the hour","ProductCode":"LABOUR"}]}"#;

/// Does it and says how many bytes came of it.
pub(crate) fn work(rounds: u32) -> usize {
    let one = |_| {
        document::parse(black_box(RECORD))
            .map(|structure| document::write(&structure).len())
            .unwrap_or_default()
    };
    (0..rounds).map(one).sum()
}
