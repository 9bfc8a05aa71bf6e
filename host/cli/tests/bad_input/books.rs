//! A folder as `footbridge init` leaves it, two simulators behind it, and the real program started on it.
//!
//! The plugins' native code is compiled once and copied: a start takes a tenth of a second instead of many.

use chrono::Utc;
use footbridge::template::{Fill, MAPPING, filled};
use footbridge_simulators::clock::SimClock;
use footbridge_simulators::company::{CompanyOptions, build};
use footbridge_simulators::salesforce::{SalesforceOptions, SalesforceSimulator};
use footbridge_simulators::server::Running;
use footbridge_simulators::xero::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, XeroOptions, XeroSimulator};
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::UNIX_EPOCH;
use tempfile::TempDir;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_footbridge");

/// Most tests are about what a run does; those about the first one take this out.
pub(crate) const UNASKED: &str = "\n[flows.deals-to-invoices.rails]\nfirst-run = \"write\"\n";

/// How a start ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    /// What it complained, with this folder's path as `BOOKS`.
    pub(crate) err: String,
}

impl Ended {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

/// The folder and both far sides.
pub(crate) struct Books {
    pub(crate) folder: TempDir,
    pub(crate) xero: XeroSimulator,
    pub(crate) salesforce: SalesforceSimulator,
    servers: (Running, Running),
    client: String,
}

impl Books {
    /// A company of that many won deals.
    pub(crate) async fn open(deals: usize) -> Self {
        Self::open_changed(deals, |_, _| {}).await
    }

    /// The same with switches of the Salesforce simulator set.
    pub(crate) async fn with(deals: usize, switches: &[(&str, &str)]) -> Self {
        Self::open_changed(deals, |_, options| {
            for (name, value) in switches {
                options.set(name, value).unwrap();
            }
        })
        .await
    }

    /// The same with simulators that are set up otherwise.
    pub(crate) async fn open_changed(
        deals: usize,
        change: impl FnOnce(&mut XeroOptions, &mut SalesforceOptions),
    ) -> Self {
        let company = build(CompanyOptions {
            deals,
            seed: 7,
            as_of: Utc::now(),
        });
        let clock = SimClock::system();
        let (mut xero, mut options) = (company.xero_options(), company.salesforce_options());
        change(&mut xero, &mut options);
        let (client, secret) = (options.client_id.clone(), options.client_secret.clone());
        let salesforce = SalesforceSimulator::new(options, clock.clone());
        let xero = XeroSimulator::new(xero, clock);
        company.seed_into(&salesforce, &xero).unwrap();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let servers = (
            xero.serve(any).await.unwrap(),
            salesforce.serve(any).await.unwrap(),
        );
        let books = Self {
            folder: tempfile::tempdir().unwrap(),
            xero,
            salesforce,
            servers,
            client: client.clone(),
        };
        books.write("salesforce.secret", &secret);
        books.write("xero.secret", DEMO_CLIENT_SECRET);
        let secret =
            |name: &str| format!("{{ file = {:?} }}", books.path(name).display().to_string());
        let config = filled(&Fill {
            salesforce_url: &books.servers.1.base_url,
            salesforce_client: &client,
            salesforce_secret: &secret("salesforce.secret"),
            xero_client: DEMO_CLIENT_ID,
            xero_secret: &secret("xero.secret"),
            xero_urls: &format!(
                "base-url = \"{0}\"\ntoken-url = \"{0}/connect/token\"",
                books.servers.0.base_url
            ),
            go_live: &company.go_live.to_rfc3339(),
        });
        books.write("footbridge.toml", &(config + UNASKED));
        books.write("lead-to-cash.toml", MAPPING);
        prepared(books.folder.path());
        books
    }

    /// The Salesforce app's id.
    pub(crate) fn client(&self) -> &str {
        &self.client
    }

    /// Where the Salesforce simulator is.
    pub(crate) fn salesforce_url(&self) -> &str {
        &self.servers.1.base_url
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Changes a file of the folder: `old` must be there.
    pub(crate) fn change(&self, name: &str, old: &str, new: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(old), "{name} does not say {old:?}");
        self.write(name, &text.replacen(old, new, 1));
    }

    /// Replaces the line of a file that begins with `start`.
    pub(crate) fn replace_line(&self, name: &str, start: &str, new: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        let old = text.lines().find(|line| line.starts_with(start)).unwrap();
        self.write(name, &text.replacen(old, new, 1));
    }

    /// Runs the program on the folder.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, None).await
    }

    /// The same with everything logged that there is.
    pub(crate) async fn run_loudly(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, Some("trace")).await
    }

    /// Runs the program in another folder: the configuration has to be named.
    pub(crate) async fn run_from(&self, folder: &Path, arguments: &[&str]) -> Ended {
        self.run_in(folder.to_owned(), arguments, None).await
    }

    async fn run_with(&self, arguments: &[&str], log: Option<&'static str>) -> Ended {
        self.run_in(self.folder.path().to_owned(), arguments, log)
            .await
    }

    async fn run_in(&self, from: PathBuf, arguments: &[&str], log: Option<&'static str>) -> Ended {
        let config = self.path("footbridge.toml").display().to_string();
        let mut all = vec!["--config".to_owned(), config];
        all.extend(arguments.iter().map(|text| (*text).to_owned()));
        let folder = self.folder.path().display().to_string();
        let ended = tokio::task::spawn_blocking(move || run_logged(&all, log, &from))
            .await
            .unwrap();
        Ended {
            err: ended.err.replace(&folder, "BOOKS"),
            ..ended
        }
    }

    /// Runs the program on the folder with a person who types that.
    pub(crate) async fn run_answering(&self, arguments: &[&str], typed: &str) -> Ended {
        let mut child = self.start(arguments);
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(typed.as_bytes()).unwrap();
        let ended = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap());
        let output = ended.await.unwrap();
        drop(stdin);
        Ended {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Starts the program on the folder and leaves it running, its output piped.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        Command::new(PROGRAM)
            .arg("--config")
            .arg(self.path("footbridge.toml"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("COLUMNS")
            .env("FOOTBRIDGE_LOG", "trace")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Where the simulators are: Xero, Salesforce.
    pub(crate) fn urls(&self) -> (&str, &str) {
        (&self.servers.0.base_url, &self.servers.1.base_url)
    }

    /// Invoices that carry a link to a deal: those that Footbridge made.
    pub(crate) fn invoices(&self) -> Vec<Value> {
        let all = self.xero.dump("Invoices").into_iter();
        all.filter(|invoice| invoice.get("Url").is_some_and(Value::is_string))
            .collect()
    }

    /// Each deal is billed once, and the next sync has nothing to do: nothing was lost.
    pub(crate) async fn all_is_well(&self, invoices: usize) {
        let ended = self.run(&["sync", "--json"]).await;
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{}", ended.out);
        let found = self.invoices();
        let mut urls: Vec<&str> = found
            .iter()
            .filter_map(|i| i.get("Url")?.as_str())
            .collect();
        urls.sort_unstable();
        urls.dedup();
        assert_eq!((found.len(), urls.len()), (invoices, invoices));
    }
}

/// Runs the program.
pub(crate) fn run(arguments: &[String]) -> Ended {
    run_logged(arguments, None, Path::new("."))
}

/// The same in a folder.
pub(crate) fn run_in_folder(arguments: &[String], folder: &Path) -> Ended {
    run_logged(arguments, None, folder)
}

fn run_logged(arguments: &[String], log: Option<&str>, folder: &Path) -> Ended {
    let mut command = Command::new(PROGRAM);
    command
        .args(arguments)
        .current_dir(folder)
        .env_remove("COLUMNS")
        .env_remove("FOOTBRIDGE_LOG");
    if let Some(level) = log {
        command.env("FOOTBRIDGE_LOG", level);
    }
    let output = command.output().unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr)
            .trim_end()
            .to_owned(),
    }
}

/// Puts installed plugins, their native code and the key into `folder`. The first test that comes prepares them for all.
fn prepared(folder: &Path) {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    fs::create_dir_all(tmp).unwrap();
    let lock = fs::File::create(tmp.join("prepared.lock")).unwrap();
    lock.lock().unwrap();
    let program = fs::metadata(PROGRAM).unwrap();
    let built = program
        .modified()
        .unwrap()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis();
    let ready = tmp.join(format!("prepared-{built}-{}", program.len()));
    if !ready.exists() {
        for old in fs::read_dir(tmp).unwrap().flatten() {
            if old.file_name().to_string_lossy().starts_with("prepared-") {
                fs::remove_dir_all(old.path()).unwrap();
            }
        }
        let config = folder.join("footbridge.toml").display().to_string();
        let ended = run(&[
            "--config".to_owned(),
            config,
            "plugin".to_owned(),
            "list".to_owned(),
        ]);
        assert_eq!(ended.code, 0, "{}", ended.err);
        let half = tmp.join("preparing");
        let _none_left = fs::remove_dir_all(&half);
        for part in PARTS {
            copy(&folder.join(part), &half.join(part));
        }
        fs::rename(&half, &ready).unwrap();
        fs::remove_dir_all(folder.join("footbridge-data")).unwrap();
    }
    for part in PARTS {
        copy(&ready.join(part), &folder.join(part));
    }
}

const PARTS: [&str; 3] = [
    "footbridge-data/plugins",
    "footbridge-data/native",
    "footbridge.key",
];

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap().flatten() {
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(from, to).unwrap();
    }
}
