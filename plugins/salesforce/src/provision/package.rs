//! A deployment as one request: files, manifest and deletions in a zip, the zip and the options in a multipart body.
//!
//! The same content gives the same bytes, always: files stand in order, without times, and the boundary follows from the content.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Write as _};

use footbridge_sdk::connector::writes::{Method, RequestHeader, WriteRequest};
use footbridge_sdk::document::digest;
use serde_json::json;
use zip::write::SimpleFileOptions;
use zip::{DateTime, ZipWriter};

use super::xml::{element, file, text};
use crate::pages::SERVICE;

/// The path of deployments.
pub(crate) const PATH: &str = "/metadata/deployRequest";
/// The version that the files are written in. Later ones read it.
const VERSION: &str = "60.0";

/// What a deployment brings and takes.
#[derive(Debug, Default)]
pub(crate) struct Package {
    files: BTreeMap<String, String>,
    brings: BTreeMap<&'static str, BTreeSet<String>>,
    takes: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Package {
    /// A component with a file of its own.
    pub(crate) fn bring(&mut self, kind: &'static str, name: &str, path: String, content: String) {
        self.files.insert(path, content);
        self.list(kind, name.to_owned());
    }

    /// A component inside another's file.
    pub(crate) fn list(&mut self, kind: &'static str, name: String) {
        self.brings.entry(kind).or_default().insert(name);
    }

    /// A file whose components are listed one by one.
    pub(crate) fn file(&mut self, path: String, content: String) {
        self.files.insert(path, content);
    }

    /// A component to be deleted.
    pub(crate) fn take(&mut self, kind: &'static str, name: &str) {
        self.takes.entry(kind).or_default().insert(name.to_owned());
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.brings.is_empty() && self.takes.is_empty()
    }

    /// The request that deploys it, all or nothing.
    pub(crate) fn request(mut self, operations: Vec<String>) -> WriteRequest {
        if !self.takes.is_empty() {
            self.files
                .insert("destructiveChanges.xml".to_owned(), manifest(&self.takes));
        }
        self.files
            .insert("package.xml".to_owned(), manifest(&self.brings));
        let zip = zipped(&self.files);
        let options = json!({"deployOptions": {
            "allowMissingFiles": false, "autoUpdatePackage": false, "checkOnly": false, "ignoreWarnings": false,
            "performRetrieve": false, "purgeOnDelete": false, "rollbackOnError": true, "singlePackage": true,
        }})
        .to_string();
        let boundary = boundary(&self.files, &zip);
        let mut body = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"json\"\r\nContent-Type: application/json\r\n\r\n{options}\r\n--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"deploy.zip\"\r\nContent-Type: application/zip\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(&zip);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        WriteRequest {
            service: SERVICE.to_owned(),
            method: Method::Post,
            path: PATH.to_owned(),
            query: Vec::new(),
            headers: vec![RequestHeader {
                name: "accept".to_owned(),
                value: "application/json".to_owned(),
            }],
            content_type: format!("multipart/form-data; boundary={boundary}"),
            body,
            operations,
        }
    }
}

fn manifest(listed: &BTreeMap<&'static str, BTreeSet<String>>) -> String {
    let types: String = listed
        .iter()
        .map(|(kind, names)| {
            let members: String = names.iter().map(|name| text("members", name)).collect();
            element("types", &(members + &text("name", kind)))
        })
        .collect();
    file("Package", &(types + &text("version", VERSION)))
}

/// Writing to memory doesn't fail; were it to, an empty zip is refused by Salesforce and changes nothing.
fn zipped(files: &BTreeMap<String, String>) -> Vec<u8> {
    let options = SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .last_modified_time(DateTime::default());
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        let written = zip
            .start_file(path.as_str(), options)
            .is_ok_and(|()| zip.write_all(content.as_bytes()).is_ok());
        if !written {
            return Vec::new();
        }
    }
    zip.finish().map(Cursor::into_inner).unwrap_or_default()
}

/// A line that the zip doesn't hold.
fn boundary(files: &BTreeMap<String, String>, zip: &[u8]) -> String {
    let mut number = 0_u32;
    loop {
        let boundary = format!("footbridge-{}", digest(&json!([files, number])));
        let inside = zip
            .windows(boundary.len())
            .any(|window| window == boundary.as_bytes());
        if !inside {
            return boundary;
        }
        number += 1;
    }
}

/// The options of a deployment, for tests.
#[cfg(test)]
pub(crate) fn unpacked(request: &WriteRequest) -> (serde_json::Value, BTreeMap<String, String>) {
    use std::io::Read as _;
    let boundary = request.content_type.split_once("boundary=").unwrap().1;
    let find = |wanted: &[u8], from: usize| {
        from + request.body[from..]
            .windows(wanted.len())
            .position(|window| window == wanted)
            .unwrap()
    };
    let json = find(b"\r\n\r\n", 0) + 4;
    let end = find(format!("\r\n--{boundary}").as_bytes(), json);
    let zip = find(b"\r\n\r\n", end) + 4;
    let last = find(format!("\r\n--{boundary}--").as_bytes(), zip);
    let mut archive = zip::ZipArchive::new(Cursor::new(request.body[zip..last].to_vec())).unwrap();
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let name = file.name().unwrap().into_owned();
        let mut content = String::new();
        file.read_to_string(&mut content).unwrap();
        files.insert(name, content);
    }
    (
        serde_json::from_slice(&request.body[json..end]).unwrap(),
        files,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_content_is_the_same_bytes() {
        let make = || {
            let mut package = Package::default();
            package.bring("Report", "F/R", "reports/F/R.report".into(), "<x/>".into());
            package.list("CustomField", "A.B__c".into());
            package.take("CustomTab", "T__c");
            package
        };
        let request = make().request(vec!["report F/R".into()]);
        assert_eq!(request, make().request(vec!["report F/R".into()]));
        let (options, files) = unpacked(&request);
        assert_eq!(options["deployOptions"]["rollbackOnError"], true);
        assert_eq!(options["deployOptions"]["singlePackage"], true);
        assert_eq!(
            files.keys().collect::<Vec<_>>(),
            [
                "destructiveChanges.xml",
                "package.xml",
                "reports/F/R.report"
            ]
        );
        assert!(files["package.xml"].contains(
            "<types><members>A.B__c</members><name>CustomField</name></types><types><members>F/R</members><name>Report</name></types><version>60.0</version>"
        ));
        assert!(
            files["destructiveChanges.xml"]
                .contains("<members>T__c</members><name>CustomTab</name>")
        );
    }
}
