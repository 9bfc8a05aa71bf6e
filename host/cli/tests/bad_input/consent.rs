//! A folder whose connections are let in by consent, `footbridge connect` running in it, and a browser of a few lines that answers
//! the consent pages.

use crate::books::{Books, Ended};
use footbridge_simulators::salesforce::SalesforceOptions;
use footbridge_simulators::xero::{PKCE_CLIENT_ID, XeroOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, ChildStdout};
use std::thread::JoinHandle;

/// Books with both connections by consent, and the ports that their browsers come back to.
pub(crate) struct Consented {
    pub(crate) books: Books,
}

impl Consented {
    pub(crate) async fn open(
        deals: usize,
        change: impl FnOnce(&mut XeroOptions, &mut SalesforceOptions),
    ) -> Self {
        let ports = [free_port(), free_port()];
        let redirects = ports.map(|port| vec![format!("http://localhost:{port}/callback")]);
        let [for_xero, for_salesforce] = redirects;
        let books = Books::open_changed(deals, |xero, salesforce| {
            for app in &mut xero.apps {
                app.redirects.clone_from(&for_xero);
            }
            salesforce.redirects = for_salesforce;
            change(xero, salesforce);
        })
        .await;
        let text = std::fs::read_to_string(books.path("footbridge.toml")).unwrap();
        let (before, xero) = text.split_once("[connections.xero]").unwrap();
        let before = before.replacen(
            "client-id =",
            &format!("auth = \"code\"\nredirect-port = {}\nclient-id =", ports[1]),
            1,
        );
        let url = books.urls().0;
        let xero: String = xero
            .lines()
            .map(|line| match line.split(' ').next() {
                Some("client-secret") => String::new(),
                Some("client-id") => format!(
                    "auth = \"code\"\nredirect-port = {}\nclient-id = \"{PKCE_CLIENT_ID}\"\nauthorize-url = \"{url}/identity/connect/authorize\"\nrevoke-url = \"{url}/connect/revocation\"\n",
                    ports[0]
                ),
                _ => format!("{line}\n"),
            })
            .collect();
        books.write(
            "footbridge.toml",
            &format!("{before}[connections.xero]{xero}"),
        );
        Self { books }
    }

    /// Starts `footbridge connect` and reads on to its link.
    pub(crate) fn connect(&self, arguments: &[&str]) -> Connecting {
        let mut child = self.books.start(&[&["connect"], arguments].concat());
        // What it logs must be taken from it all the while, or it would stop.
        let mut err = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            err.read_to_string(&mut text).unwrap();
            text
        });
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        let link = loop {
            let mut line = String::new();
            let read = out.read_line(&mut line).unwrap();
            assert!(read > 0, "no link: {said}");
            said.push_str(&line);
            if line.starts_with("http") {
                break line.trim().to_owned();
            }
        };
        Connecting {
            child,
            log,
            out,
            said,
            link,
        }
    }

    /// Connects and lets it in, with these organisations ticked.
    pub(crate) fn let_in(&self, connection: &str, ticked: &[usize], more: &[&str]) -> Ended {
        let connecting = self.connect(&[&[connection][..], more].concat());
        let back = connecting.answer("allow", ticked);
        get(&back);
        connecting.ended()
    }

    /// Files of tokens.
    pub(crate) fn stored(&self) -> Vec<PathBuf> {
        let folder = self.books.path("footbridge-data/tokens");
        let Ok(entries) = std::fs::read_dir(folder) else {
            return Vec::new();
        };
        let paths = entries.flatten().map(|entry| entry.path());
        paths
            .filter(|path| path.extension().is_some_and(|end| end == "tokens"))
            .collect()
    }
}

/// `footbridge connect`, waiting for its answer.
pub(crate) struct Connecting {
    child: Child,
    log: JoinHandle<String>,
    out: BufReader<ChildStdout>,
    said: String,
    pub(crate) link: String,
}

impl Connecting {
    /// Answers the consent page; where the browser is sent back to.
    pub(crate) fn answer(&self, decision: &str, ticked: &[usize]) -> String {
        let (page, query) = self.link.split_once('?').unwrap();
        let mut form = format!("{query}&decision={decision}");
        for organisation in ticked {
            form.push_str(&format!("&organisation-{organisation}=yes"));
        }
        let answer = http("POST", page, &form);
        let location = answer
            .lines()
            .find_map(|line| line.strip_prefix("location: "));
        location.unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// What the state of this attempt is.
    pub(crate) fn state(&self) -> String {
        let rest = self.link.split("&state=").nth(1).unwrap();
        rest.split('&').next().unwrap().to_owned()
    }

    /// Types a line.
    pub(crate) fn paste(&mut self, text: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{text}").unwrap();
    }

    /// Reads on to the end.
    pub(crate) fn ended(mut self) -> Ended {
        self.out.read_to_string(&mut self.said).unwrap();
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        Ended {
            code,
            out: self.said,
            err: self.log.join().unwrap(),
        }
    }
}

/// A port that nobody uses just now.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Opens an address, as a browser that was sent there.
pub(crate) fn get(url: &str) -> String {
    http("GET", url, "")
}

/// One exchange, head and body.
pub(crate) fn http(method: &str, url: &str, form: &str) -> String {
    let rest = url.strip_prefix("http://").unwrap();
    let (host, path) = rest.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let head = format!(
        "{method} /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
