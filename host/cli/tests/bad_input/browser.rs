//! A real browser at both consent pages, and at our own page afterwards: Chromium, driven by Playwright.
//!
//! Where there is no browser, or no Node.js with Playwright, it says `SKIPPED` and why; `FOOTBRIDGE_FOREIGN=required` makes that a failure.

use crate::consent::Consented;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What drives it, made on first use, and the browser itself.
struct Browser {
    place: PathBuf,
    program: PathBuf,
}

impl Browser {
    fn find() -> Result<Self, String> {
        let names = [
            "/usr/bin/chromium",
            "/usr/bin/chromium-browser",
            "/usr/bin/google-chrome",
        ];
        let program = names.iter().map(PathBuf::from).find(|path| path.exists());
        let program = program.ok_or("no Chromium (Debian's package chromium) is installed")?;
        // .../target/<profile>/deps/<test>
        let test = std::env::current_exe().unwrap();
        let place = test
            .ancestors()
            .nth(3)
            .unwrap()
            .join("foreign")
            .join("browser");
        std::fs::create_dir_all(&place).unwrap();
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
        for file in ["package.json", "visit.mjs"] {
            std::fs::copy(sources.join(file), place.join(file)).unwrap();
        }
        if !place.join("node_modules/playwright-core").exists() {
            let installed = Command::new("npm")
                .args(["install", "--no-audit", "--no-fund", "--ignore-scripts"])
                .current_dir(&place)
                .output()
                .map_err(|error| format!("npm can't be started: {error}"))?;
            if !installed.status.success() {
                return Err(String::from_utf8_lossy(&installed.stderr).into_owned());
            }
        }
        Ok(Self { place, program })
    }

    /// Opens, answers, and says what is shown.
    fn visit(&self, mut asked: Value) -> Value {
        asked["browser"] = json!(self.program);
        let output = Command::new("node")
            .arg("visit.mjs")
            .arg(asked.to_string())
            .current_dir(&self.place)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "{said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let shown: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(
            shown["outside"],
            json!([]),
            "it loads nothing from elsewhere"
        );
        assert_eq!(
            (&shown["dialogs"], &shown["scripts"]),
            (&json!(0), &json!(0)),
            "{shown}"
        );
        assert_eq!(shown["too_wide"], false, "it fits the window: {shown}");
        shown
    }

    /// Where pictures of our pages go, to be looked at.
    fn picture(&self, name: &str) -> String {
        self.place.join(format!("{name}.png")).display().to_string()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_browser_lets_both_accounts_in_or_not() {
    let browser = match Browser::find() {
        Ok(browser) => browser,
        Err(why) => {
            let required =
                std::env::var("FOOTBRIDGE_FOREIGN").is_ok_and(|value| value == "required");
            assert!(!required, "FOOTBRIDGE_FOREIGN=required, but: {why}");
            println!("SKIPPED: {why}");
            return;
        }
    };
    let consented = Consented::open(1, |_, _| {}).await;
    let denials = [
        (
            "xero",
            json!({"width": 320, "scheme": "dark"}),
            "xero-denied-dark-320",
        ),
        (
            "salesforce",
            json!({"scheme": "light"}),
            "salesforce-denied-light",
        ),
    ];
    for (connection, mut asked, picture) in denials {
        let connecting = consented.connect(&[connection]);
        asked["open"] = json!(connecting.link);
        asked["decision"] = json!("Deny");
        asked["picture"] = json!(browser.picture(picture));
        let shown = browser.visit(asked);
        assert_eq!(shown["heading"], "Footbridge\nAccess was not given");
        let ended = connecting.ended();
        assert!(
            ended.code == 4 && ended.err.contains("access was denied"),
            "{}",
            ended.err
        );
    }
    assert_eq!(consented.stored().len(), 0);
    let connecting = consented.connect(&["xero"]);
    let shown = browser.visit(json!({
        "open": connecting.link, "decision": "Allow access", "scheme": "dark",
        "untick": ["Harbour & Hill Services Ltd"], "tick": ["Harbour & Hill Australia Pty Ltd"],
        "picture": browser.picture("xero-allowed-dark"),
    }));
    assert_eq!(shown["heading"], "Footbridge\nAccess was given");
    let dark = shown["paper"].clone();
    let ended = connecting.ended();
    assert_eq!(ended.code, 0, "{}", ended.err);
    assert!(
        ended
            .out
            .contains("xero is connected to Harbour & Hill Australia Pty Ltd"),
        "{}",
        ended.out
    );
    let connecting = consented.connect(&["salesforce"]);
    let shown = browser.visit(json!({
        "open": connecting.link, "decision": "Allow access", "width": 320,
        "picture": browser.picture("salesforce-allowed-light-320"),
    }));
    assert_eq!(shown["heading"], "Footbridge\nAccess was given");
    assert_ne!(shown["paper"], dark, "light and dark differ");
    assert_eq!(connecting.ended().code, 0);
    // Somebody else's words, as long and as nasty as they get.
    let connecting = consented.connect(&["salesforce"]);
    let nasty = "%3Cimg src=x onerror=alert(1)%3E%3Cscript%3Ealert(2)%3C%2Fscript%3E%E2%80%AEdetcennoc%20era%20uoY ".repeat(3)
        + &"unbreakable".repeat(30);
    let back = connecting.answer("deny", &[]);
    let back = back.split('?').next().unwrap();
    let shown = browser.visit(json!({
        "open": format!("{back}?state={}&error=server_error&error_description={nasty}", connecting.state()),
        "width": 320, "scheme": "dark", "picture": browser.picture("hostile-dark-320"),
    }));
    assert_eq!(
        shown["heading"],
        "Footbridge\nThe provider did not let Footbridge in"
    );
    assert!(
        shown["text"]
            .as_str()
            .unwrap()
            .contains("<script>alert(2)</script>"),
        "{shown}"
    );
    assert_eq!(connecting.ended().code, 4);
    // One that belongs to nobody.
    let connecting = consented.connect(&["xero"]);
    let back = connecting.answer("allow", &[0]);
    let back = back.split('?').next().unwrap();
    let shown = browser.visit(json!({
        "open": format!("{back}?code=theirs&state=theirs"), "picture": browser.picture("forged-light"),
    }));
    assert_eq!(
        shown["heading"],
        "Footbridge\nThis answer belongs to another attempt"
    );
    assert_eq!(connecting.ended().code, 4);
    assert_eq!(consented.stored().len(), 2, "both are as they were");
}
