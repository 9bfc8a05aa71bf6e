//! A deployment like the product's: an object with every kind of field, its permissions, layout, report.

use std::io::{Cursor, Write as _};

use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::salesforce::{Answer, Org};

pub(crate) const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
pub(crate) const NS: &str = "xmlns=\"http://soap.sforce.com/2006/04/metadata\"";

pub(crate) fn manifest(types: &[(&str, &[&str])]) -> String {
    let types: String = types
        .iter()
        .map(|(name, members)| {
            let members: String = members
                .iter()
                .map(|member| format!("<members>{member}</members>"))
                .collect();
            format!("<types>{members}<name>{name}</name></types>")
        })
        .collect();
    format!("{HEAD}<Package {NS}>{types}<version>60.0</version></Package>")
}

pub(crate) fn zipped(files: &[(&str, String)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub(crate) fn field(name: &str, rest: &str) -> String {
    let label = name.trim_end_matches("__c").replace('_', " ");
    format!("<fields><fullName>{name}</fullName><label>{label}</label>{rest}</fields>")
}

pub(crate) fn number(name: &str) -> String {
    field(
        name,
        "<type>Number</type><precision>16</precision><scale>4</scale>",
    )
}

pub(crate) fn formula(name: &str, kind: &str, text: &str) -> String {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    field(
        name,
        &format!(
            "{kind}<formula>{text}</formula><formulaTreatBlanksAs>BlankAsZero</formulaTreatBlanksAs>"
        ),
    )
}

pub(crate) fn object(fields: &str) -> String {
    format!(
        "{HEAD}<CustomObject {NS}><deploymentStatus>Deployed</deploymentStatus><enableReports>true</enableReports>{fields}\
         <listViews><fullName>All_Documents</fullName><columns>NAME</columns><columns>Status__c</columns><filterScope>Everything</filterScope><label>All documents</label></listViews>\
         <label>Accounting Document</label><nameField><label>Document</label><type>Text</type></nameField><pluralLabel>Accounting Documents</pluralLabel>\
         <sharingModel>ReadWrite</sharingModel></CustomObject>"
    )
}

pub(crate) const OBJECT: &str = "Accounting_Document__c";
pub(crate) const FIELDS: [&str; 9] = [
    "Key__c",
    "Status__c",
    "Account__c",
    "Due_Date__c",
    "Amount_Due__c",
    "Notes__c",
    "Overdue__c",
    "Days_Overdue__c",
    "Age_Bucket__c",
];

pub(crate) fn document() -> String {
    let parts = [
        // Formulas first and out of order: a deployment sorts that out.
        formula(
            "Age_Bucket__c",
            "<type>Text</type>",
            "IF(NOT(Overdue__c), \"Current\", IF(Days_Overdue__c <= 30, \"1-30\", CASE(TEXT(Kind__c), \"Invoice\", \"31+\", \"other\")))",
        ),
        formula(
            "Days_Overdue__c",
            "<type>Number</type><precision>18</precision><scale>0</scale>",
            "IF(Overdue__c, TODAY() - Due_Date__c, 0)",
        ),
        formula(
            "Overdue__c",
            "<type>Checkbox</type>",
            "AND(NOT(ISBLANK(Due_Date__c)), Due_Date__c < TODAY(), Amount_Due__c > 0)",
        ),
        field(
            "Key__c",
            "<type>Text</type><length>120</length><externalId>true</externalId><unique>true</unique><caseSensitive>false</caseSensitive>",
        ),
        field("Status__c", "<type>Text</type><length>40</length>"),
        field(
            "Account__c",
            "<type>Lookup</type><referenceTo>Account</referenceTo><relationshipName>Accounting_Documents</relationshipName><relationshipLabel>Accounting Documents</relationshipLabel>",
        ),
        field("Due_Date__c", "<type>Date</type>"),
        number("Amount_Due__c"),
        field(
            "Notes__c",
            "<type>LongTextArea</type><length>32768</length><visibleLines>3</visibleLines>",
        ),
        field(
            "Kind__c",
            "<type>Picklist</type><required>true</required><valueSet><restricted>true</restricted><valueSetDefinition><sorted>false</sorted><value><fullName>Invoice</fullName><default>false</default></value><value><fullName>Credit Note</fullName><default>false</default></value></valueSetDefinition></valueSet>",
        ),
    ];
    object(&parts.concat())
}

pub(crate) fn permission_set(fields: &[&str]) -> String {
    let fields: String = fields
        .iter()
        .map(|name| {
            let editable = !["Overdue__c", "Days_Overdue__c", "Age_Bucket__c"].contains(name);
            format!("<fieldPermissions><editable>{editable}</editable><field>{OBJECT}.{name}</field><readable>true</readable></fieldPermissions>")
        })
        .collect();
    format!(
        "{HEAD}<PermissionSet {NS}>{fields}<label>Footbridge</label><objectPermissions><allowCreate>true</allowCreate><allowDelete>true</allowDelete>\
         <allowEdit>true</allowEdit><allowRead>true</allowRead><modifyAllRecords>false</modifyAllRecords><object>{OBJECT}</object>\
         <viewAllRecords>true</viewAllRecords></objectPermissions></PermissionSet>"
    )
}

/// Object, fields, list view, permission set, layout with a related list, report in its folder.
pub(crate) fn whole() -> Vec<(&'static str, String)> {
    let layout = format!(
        "{HEAD}<Layout {NS}><layoutSections><label>Information</label><layoutColumns><layoutItems><behavior>Required</behavior><field>Name</field></layoutItems></layoutColumns>\
         <style>OneColumn</style></layoutSections><relatedLists><fields>NAME</fields><fields>Status__c</fields><relatedList>{OBJECT}.Account__c</relatedList></relatedLists></Layout>"
    );
    let report = format!(
        "{HEAD}<Report {NS}><columns><field>CUST_NAME</field></columns><columns><field>{OBJECT}.Amount_Due__c</field></columns><format>Tabular</format>\
         <name>Open documents</name><reportType>CustomEntity${OBJECT}</reportType><showDetails>true</showDetails></Report>"
    );
    let folder = format!("{HEAD}<ReportFolder {NS}><name>Accounting</name></ReportFolder>");
    vec![
        (
            "package.xml",
            manifest(&[
                ("CustomObject", &[OBJECT]),
                ("PermissionSet", &["Footbridge"]),
                ("Layout", &["Account-Account Layout"]),
                ("Report", &["Accounting", "Accounting/Open_Documents"]),
            ]),
        ),
        ("objects/Accounting_Document__c.object", document()),
        (
            "permissionsets/Footbridge.permissionset",
            permission_set(&FIELDS),
        ),
        ("layouts/Account-Account Layout.layout", layout),
        ("reports/Accounting-meta.xml", folder),
        ("reports/Accounting/Open_Documents.report", report),
    ]
}

impl Org {
    pub(crate) async fn upload(&self, files: &[(&str, String)], options: Value) -> Answer {
        let zip = zipped(files);
        let mut body = format!(
            "--XYZ\r\nContent-Disposition: form-data; name=\"json\"\r\nContent-Type: application/json\r\n\r\n{}\r\n--XYZ\r\nContent-Disposition: form-data; name=\"file\"; filename=\"deploy.zip\"\r\nContent-Type: application/zip\r\n\r\n",
            json!({"deployOptions": options})
        )
        .into_bytes();
        body.extend(zip);
        body.extend(b"\r\n--XYZ--\r\n");
        self.send_typed(
            "/services/data/v60.0/metadata/deployRequest",
            "multipart/form-data; boundary=XYZ",
            body,
        )
        .await
    }

    /// Deploys and waits; the last status with details.
    pub(crate) async fn deploy(&self, files: &[(&str, String)], more: Value) -> Value {
        let mut options = json!({"singlePackage": true, "rollbackOnError": true});
        options
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let queued = self.upload(files, options).await;
        assert_eq!(queued.status, 201, "{}", queued.text);
        let id = queued.body["id"].as_str().unwrap();
        let mut seen = Value::Null;
        for _ in 0..5 {
            let path = format!("/metadata/deployRequest/{id}?includeDetails=true");
            seen = self.get(&path).await.body["deployResult"].clone();
            if seen["done"] == true {
                break;
            }
        }
        assert_eq!(seen["done"], true, "the deployment never ended");
        seen
    }

    pub(crate) async fn assign(&self) -> Answer {
        let set = self
            .query("SELECT Id FROM PermissionSet WHERE Name = 'Footbridge'")
            .await;
        let user = self.query("SELECT Id FROM User").await;
        let row = json!({
            "PermissionSetId": set.body["records"][0]["Id"], "AssigneeId": user.body["records"][0]["Id"],
        });
        self.post("/sobjects/PermissionSetAssignment", row).await
    }

    pub(crate) async fn tooling(&self, soql: &str) -> Answer {
        let encoded =
            percent_encoding::utf8_percent_encode(soql, percent_encoding::NON_ALPHANUMERIC);
        self.get(&format!("/tooling/query?q={encoded}")).await
    }
}
