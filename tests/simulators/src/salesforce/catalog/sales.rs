//! Deals and what is sold: Opportunity and its lines, history and roles, products and price books.

use super::{Owned, flag, instant, money, open_picklist, restricted_picklist, system};
use crate::salesforce::schema::{Access, FieldDef, FieldKind, ObjectDef, Writable};

pub(super) fn objects() -> Vec<ObjectDef> {
    vec![
        opportunity(),
        line(),
        history(),
        role(),
        stage(),
        product(),
        pricebook(),
        entry(),
    ]
}

const FORECAST: [&str; 6] = [
    "Omitted",
    "Pipeline",
    "BestCase",
    "MostLikely",
    "Forecast",
    "Closed",
];

fn percent(name: &str, precision: u32, scale: u32) -> FieldDef {
    FieldDef::new(name, FieldKind::Percent { precision, scale })
}

fn opportunity() -> ObjectDef {
    let mut fields = system(Owned::ByUser);
    fields.extend([
        FieldDef::text("Name", 120).required(),
        FieldDef::reference(
            "AccountId",
            "Account",
            Some("Account"),
            Some("Opportunities"),
        )
        .label("Account ID"),
        FieldDef::reference("RecordTypeId", "RecordType", Some("RecordType"), None),
        FieldDef::reference(
            "Pricebook2Id",
            "Pricebook2",
            Some("Pricebook2"),
            Some("Opportunities"),
        )
        .label("Price Book ID"),
        FieldDef::reference("ContactId", "Contact", Some("Contact"), None)
            .access(Access::CreateOnly),
        FieldDef::new("StageName", open_picklist(&[]))
            .required()
            .label("Stage"),
        FieldDef::new("CloseDate", FieldKind::Date).required(),
        money("Amount"),
        percent("Probability", 3, 0).label("Probability (%)"),
        money("ExpectedRevenue").access(Access::ReadOnly),
        FieldDef::new(
            "TotalOpportunityQuantity",
            FieldKind::Number {
                precision: 18,
                scale: 2,
            },
        ),
        flag("IsClosed").access(Access::ReadOnly).label("Closed"),
        flag("IsWon").access(Access::ReadOnly).label("Won"),
        flag("IsPrivate").label("Private"),
        FieldDef::new("ForecastCategory", restricted_picklist(&FORECAST)).access(Access::ReadOnly),
        flag("HasOpportunityLineItem")
            .access(Access::ReadOnly)
            .label("Has Line Item"),
        instant("LastStageChangeDate"),
        FieldDef::new(
            "Type",
            open_picklist(&["New Business", "Existing Business", "Renewal"]),
        )
        .label("Opportunity Type"),
        FieldDef::new(
            "LeadSource",
            open_picklist(&["Web", "Phone Inquiry", "Partner Referral", "Other"]),
        ),
        FieldDef::text("NextStep", 255),
        FieldDef::new("Description", FieldKind::LongText { length: 32_000 }),
    ]);
    ObjectDef::new("Opportunity", "Opportunities", "006", Writable::Yes, fields)
}

fn line() -> ObjectDef {
    let mut fields = system(Owned::ByNobody);
    fields.extend([
        FieldDef::reference(
            "OpportunityId",
            "Opportunity",
            Some("Opportunity"),
            Some("OpportunityLineItems"),
        )
        .required()
        .access(Access::CreateOnly)
        .label("Opportunity ID"),
        FieldDef::reference(
            "PricebookEntryId",
            "PricebookEntry",
            Some("PricebookEntry"),
            Some("OpportunityLineItems"),
        )
        .required()
        .access(Access::CreateOnly)
        .label("Price Book Entry ID"),
        FieldDef::reference(
            "Product2Id",
            "Product2",
            Some("Product2"),
            Some("OpportunityLineItems"),
        )
        .access(Access::ReadOnly)
        .label("Product ID"),
        FieldDef::text("ProductCode", 255).access(Access::ReadOnly),
        FieldDef::text("Name", 376)
            .access(Access::ReadOnly)
            .label("Opportunity Product Name"),
        FieldDef::new(
            "Quantity",
            FieldKind::Number {
                precision: 12,
                scale: 2,
            },
        )
        .required(),
        money("UnitPrice").label("Sales Price"),
        money("ListPrice").access(Access::ReadOnly),
        percent("Discount", 5, 2),
        money("Subtotal").access(Access::ReadOnly),
        money("TotalPrice"),
        FieldDef::new("ServiceDate", FieldKind::Date).label("Date"),
        FieldDef::new("SortOrder", FieldKind::Whole { digits: 9 }),
        FieldDef::text("Description", 255).label("Line Description"),
    ]);
    ObjectDef::new(
        "OpportunityLineItem",
        "Opportunity Products",
        "00k",
        Writable::Yes,
        fields,
    )
}

fn history() -> ObjectDef {
    let read_only = |field: FieldDef| field.access(Access::ReadOnly);
    let mut fields = system(Owned::ByNobody);
    fields.retain(|field| !field.name.starts_with("LastModified"));
    fields.extend(
        [
            FieldDef::reference(
                "OpportunityId",
                "Opportunity",
                Some("Opportunity"),
                Some("OpportunityHistories"),
            ),
            FieldDef::new("StageName", open_picklist(&[])).label("Stage"),
            money("Amount"),
            money("ExpectedRevenue"),
            FieldDef::new("CloseDate", FieldKind::Date),
            percent("Probability", 3, 0),
            FieldDef::new("ForecastCategory", restricted_picklist(&FORECAST)),
            money("PrevAmount"),
            FieldDef::new("PrevCloseDate", FieldKind::Date),
        ]
        .map(read_only),
    );
    ObjectDef::new(
        "OpportunityHistory",
        "Opportunity Histories",
        "008",
        Writable::No,
        fields,
    )
}

fn role() -> ObjectDef {
    let mut fields = system(Owned::ByNobody);
    fields.extend([
        FieldDef::reference(
            "OpportunityId",
            "Opportunity",
            Some("Opportunity"),
            Some("OpportunityContactRoles"),
        )
        .required()
        .access(Access::CreateOnly),
        FieldDef::reference(
            "ContactId",
            "Contact",
            Some("Contact"),
            Some("OpportunityContactRoles"),
        )
        .required(),
        FieldDef::new(
            "Role",
            open_picklist(&[
                "Business User",
                "Decision Maker",
                "Billing",
                "Evaluator",
                "Other",
            ]),
        ),
        flag("IsPrimary").label("Primary"),
    ]);
    ObjectDef::new(
        "OpportunityContactRole",
        "Opportunity Contact Roles",
        "00K",
        Writable::Yes,
        fields,
    )
}

fn stage() -> ObjectDef {
    let read_only = |field: FieldDef| field.access(Access::ReadOnly);
    let mut fields = system(Owned::ByNobody);
    fields.retain(|field| field.name != "IsDeleted");
    fields.extend(
        [
            FieldDef::text("MasterLabel", 255),
            FieldDef::text("ApiName", 255),
            flag("IsActive"),
            flag("IsClosed"),
            flag("IsWon"),
            FieldDef::new("SortOrder", FieldKind::Whole { digits: 9 }),
            percent("DefaultProbability", 3, 0),
            FieldDef::new("ForecastCategory", restricted_picklist(&FORECAST)),
            FieldDef::text("Description", 255),
        ]
        .map(read_only),
    );
    ObjectDef::new(
        "OpportunityStage",
        "Opportunity Stages",
        "01J",
        Writable::No,
        fields,
    )
}

fn product() -> ObjectDef {
    let mut fields = system(Owned::ByNobody);
    fields.extend([
        FieldDef::text("Name", 255).required().label("Product Name"),
        FieldDef::text("ProductCode", 255),
        FieldDef::text("StockKeepingUnit", 180).label("Product SKU"),
        FieldDef::new("Description", FieldKind::LongText { length: 4_000 })
            .label("Product Description"),
        flag("IsActive").label("Active"),
        FieldDef::new("Family", open_picklist(&["Goods", "Services", "None"]))
            .label("Product Family"),
        FieldDef::new(
            "QuantityUnitOfMeasure",
            open_picklist(&["Each", "Hour", "Day"]),
        ),
    ]);
    ObjectDef::new("Product2", "Products", "01t", Writable::Yes, fields)
}

fn pricebook() -> ObjectDef {
    let mut fields = system(Owned::ByNobody);
    fields.extend([
        FieldDef::text("Name", 255)
            .required()
            .label("Price Book Name"),
        flag("IsActive").label("Active"),
        flag("IsStandard").access(Access::ReadOnly),
        FieldDef::text("Description", 255),
    ]);
    ObjectDef::new("Pricebook2", "Price Books", "01s", Writable::Yes, fields)
}

fn entry() -> ObjectDef {
    let mut fields = system(Owned::ByNobody);
    fields.extend([
        FieldDef::text("Name", 255)
            .access(Access::ReadOnly)
            .label("Product Name"),
        FieldDef::text("ProductCode", 255).access(Access::ReadOnly),
        FieldDef::reference(
            "Pricebook2Id",
            "Pricebook2",
            Some("Pricebook2"),
            Some("PricebookEntries"),
        )
        .required()
        .access(Access::CreateOnly)
        .label("Price Book ID"),
        FieldDef::reference(
            "Product2Id",
            "Product2",
            Some("Product2"),
            Some("PricebookEntries"),
        )
        .required()
        .access(Access::CreateOnly)
        .label("Product ID"),
        money("UnitPrice").required().label("List Price"),
        flag("IsActive").label("Active"),
        flag("UseStandardPrice"),
    ]);
    ObjectDef::new(
        "PricebookEntry",
        "Price Book Entries",
        "01u",
        Writable::Yes,
        fields,
    )
}
