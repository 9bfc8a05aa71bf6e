//! The list of seeded defects itself: enough of them, each with a name of its own, each of them really in the simulator; and out of
//! reach of the product.
#![expect(clippy::unwrap_used, reason = "test code")]

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::path::{Path, PathBuf};

use footbridge_simulators::defects::{Defect, Defects};
use footbridge_simulators::{salesforce, xero};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

fn crate_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The names; every defect must be asked for in its vendor's source.
fn used<D: Defect + Debug>(vendor: &str) -> Vec<&'static str> {
    let mut files = Vec::new();
    sources(&crate_folder().join("src").join(vendor), &mut files);
    let source: String = files
        .iter()
        .filter(|path| !path.ends_with("defect.rs"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let words: BTreeSet<&str> = source
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':')
        .collect();
    for defect in D::ALL {
        assert!(
            words.contains(format!("Defect::{defect:?}").as_str()),
            "{vendor} never asks for {defect:?}: it changes nothing"
        );
        let sentence = defect.sentence();
        assert!(sentence.ends_with('.') && sentence.len() > 10, "{sentence}");
    }
    D::ALL.iter().map(|defect| defect.name()).collect()
}

#[test]
fn there_are_forty_of_each_vendor_and_each_is_in_its_code_under_a_name_of_its_own() {
    let xero = used::<xero::Defect>("xero");
    let salesforce = used::<salesforce::Defect>("salesforce");
    assert!(xero.len() >= 40, "{}", xero.len());
    assert!(salesforce.len() >= 40, "{}", salesforce.len());
    let all: Vec<&str> = xero.into_iter().chain(salesforce).collect();
    let names: BTreeSet<&str> = all.iter().copied().collect();
    assert_eq!(names.len(), all.len(), "a name stands for one defect");
    for name in &names {
        let kebab = name.split('-').all(|part| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        });
        assert!(kebab, "{name}");
    }
    let listed = std::fs::read_to_string(crate_folder().join("missed-defects.txt")).unwrap();
    for line in listed
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        let (name, why) = line.split_once(':').unwrap();
        assert!(
            names.contains(name),
            "{name} is listed as missed and unknown"
        );
        assert!(why.trim().len() > 20, "{name} is missed without a reason");
    }
}

#[test]
fn options_are_honest_unless_they_name_a_defect() {
    fn seeded<D: Defect>(defects: Defects<D>) -> Vec<&'static str> {
        let all = D::ALL.iter().copied();
        all.filter(|defect| defects.has(*defect))
            .map(Defect::name)
            .collect()
    }
    assert!(seeded(xero::XeroOptions::default().defects).is_empty());
    assert!(seeded(salesforce::SalesforceOptions::default().defects).is_empty());
    assert!(seeded(Defects::<xero::Defect>::none()).is_empty());
    let one = Defects::only(xero::Defect::HalfEvenTax);
    assert_eq!(seeded(one), ["half-even-tax"]);
}

/// The product starts simulators in its demo alone, and says there that they are honest whatever the environment says.
#[test]
fn the_product_never_starts_a_simulator_that_the_environment_could_make_wrong() {
    let host = crate_folder().join("../../host");
    let mut files = Vec::new();
    sources(&host, &mut files);
    let of_a_test = |path: &Path| {
        let within = path.strip_prefix(&host).unwrap();
        within.components().any(|part| part.as_os_str() == "tests")
    };
    let mut started = 0;
    for path in files.iter().filter(|path| !of_a_test(path)) {
        let text = std::fs::read_to_string(path).unwrap();
        let starts = text.matches("XeroSimulator::new(").count()
            + text.matches("SalesforceSimulator::new(").count();
        let honest = text.matches("options.defects = Defects::none();").count();
        assert_eq!(starts, honest, "{}", path.display());
        started += starts;
    }
    assert_eq!(started, 2, "the demo starts one of each");
}
