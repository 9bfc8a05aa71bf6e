//! Commands as a person has to type them: with the configuration that this one was given and, where there are several flows, the one
//! that the text is about; quoted for a shell.
//!
//! Words everywhere name a command in backticks, `footbridge items`; the engine, the planner and what an earlier run noted know no
//! configuration. On its way out each gets what it needs to work when it is pasted here: [`in_text`] where text is shown, [`json`]
//! where JSON is. What others wrote is marked with [`of_others`] where it is rendered, and stays as it is.

use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;
use std::path::Path;
use std::sync::OnceLock;

/// What is found without being named, in the folder where the command is given.
const DEFAULT: &str = "footbridge.toml";
/// How a command begins in words.
const IN_WORDS: &str = "`footbridge ";
/// The same in a text of others. No text from outside has a control character in it once it is rendered, so nobody else marks anything.
const OF_OTHERS: &str = "`\u{1}footbridge ";
/// Commands that read no configuration.
const WITHOUT: [&str; 4] = ["demo", "init", "completions", "-c"];
/// Commands that take `--flow`.
const OF_A_FLOW: [&str; 10] = [
    "erase",
    "export",
    "history",
    "items",
    "plan",
    "plans",
    "replay",
    "retention",
    "status",
    "sync",
];
/// Commands that take the flow as their first value.
const FLOW_FIRST: [&str; 2] = ["go", "stop"];
/// Members of our JSON that are words of ours. Everything else may be records of others and stays as it is.
const WORDS: [&str; 8] = [
    "causes", "follows", "found", "message", "problem", "refused", "stopped", "why",
];
/// Members that are records, whatever they call their fields.
const RECORDS: [&str; 3] = ["answer", "doc", "was"];

/// ` -c FILE`, or nothing where that isn't needed. A process is given one configuration.
static GIVEN: OnceLock<String> = OnceLock::new();
/// The flow that what is printed is about, where there are several. A process works on one.
static ABOUT: OnceLock<String> = OnceLock::new();

/// What a command lacks to work where it is pasted.
#[derive(Debug, Clone, Copy)]
struct Lacks<'a> {
    /// ` -c FILE`, or nothing.
    config: &'a str,
    /// The flow as one word of a shell, or nothing.
    flow: &'a str,
}

/// The configuration that this command was given. Called once, before anything is printed.
pub(crate) fn given(config: &Path) {
    // Whoever comes second is a test within one process; the first word stands.
    let _second = GIVEN.set(option(config));
}

/// What is printed from here on is about this one of several flows.
pub(crate) fn about(flow: &str) {
    let _second = ABOUT.set(quoted(flow).into_owned());
}

/// Text about one of several flows, in a command that is about all of them.
pub(crate) fn about_flow(flow: &str, text: &str) -> String {
    let flow = &quoted(flow);
    with(Lacks { config: "", flow }, text).into_owned()
}

/// A command, given its words after `footbridge`, each as it is; [`quoted`] makes one of a value.
pub(crate) fn command(words: &str) -> String {
    format!("footbridge{} {words}", config())
}

/// A value as one word of a shell.
pub(crate) fn quoted(value: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_alphanumeric() || "_-./:=@%+,".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return Cow::Borrowed(value);
    }
    Cow::Owned(format!("'{}'", value.replace('\'', r"'\''")))
}

/// Text whose commands can be pasted.
pub(crate) fn in_text(text: &str) -> Cow<'_, str> {
    with(lacks(), text)
}

/// Rendered text of others, in which no command is ours.
pub(crate) fn of_others(text: &str) -> String {
    text.replace(IN_WORDS, OF_OTHERS)
}

/// Text as it is printed: without the marks of what others wrote.
pub(crate) fn unmarked(text: &str) -> Cow<'_, str> {
    match text.contains(OF_OTHERS) {
        true => Cow::Owned(text.replace(OF_OTHERS, IN_WORDS)),
        false => Cow::Borrowed(text),
    }
}

/// A value as JSON, whose commands can be pasted where the members are words of ours.
pub(crate) fn json<T: Serialize>(value: &T) -> serde_json::Result<String> {
    let text = serde_json::to_string_pretty(value)?;
    let lacks = lacks();
    if lacks.nothing() || !text.contains(IN_WORDS) {
        return Ok(text);
    }
    let mut value: Value = serde_json::from_str(&text)?;
    walk(lacks, &mut value, Whose::Others);
    serde_json::to_string_pretty(&value)
}

fn config() -> &'static str {
    GIVEN.get().map_or("", String::as_str)
}

fn lacks() -> Lacks<'static> {
    Lacks {
        config: config(),
        flow: ABOUT.get().map_or("", String::as_str),
    }
}

impl Lacks<'_> {
    fn nothing(self) -> bool {
        self.config.is_empty() && self.flow.is_empty()
    }
}

fn option(config: &Path) -> String {
    let whole = |path: &Path| path.canonicalize().ok();
    let is_found = whole(config).is_some_and(|file| Some(file) == whole(Path::new(DEFAULT)));
    if config == Path::new(DEFAULT) || is_found {
        return String::new();
    }
    format!(" -c {}", quoted(&config.display().to_string()))
}

fn with<'a>(lacks: Lacks<'_>, text: &'a str) -> Cow<'a, str> {
    if lacks.nothing() || !text.contains(IN_WORDS) {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split(IN_WORDS);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for rest in parts {
        let first = rest.split([' ', '`']).next().unwrap_or_default();
        out.push_str(IN_WORDS.trim_end());
        if !WITHOUT.contains(&first) {
            out.push_str(lacks.config);
        }
        out.push(' ');
        match rest.split_once('`') {
            Some((command, after)) => {
                out.push_str(command);
                out.push_str(&flow_of(lacks.flow, command));
                out.push('`');
                out.push_str(after);
            }
            None => out.push_str(rest),
        }
    }
    Cow::Owned(out)
}

/// What names the flow in a command that takes it and lacks it.
fn flow_of(flow: &str, command: &str) -> String {
    let mut words = command.split(' ');
    let (first, second) = (words.next().unwrap_or_default(), words.next());
    let has = |option: &str| command.split(' ').any(|word| word == option);
    if flow.is_empty() || has("--flow") {
        return String::new();
    }
    if OF_A_FLOW.contains(&first) {
        return format!(" --flow {flow}");
    }
    let is_bare = second.is_none_or(|word| word.starts_with('-'));
    if FLOW_FIRST.contains(&first) && is_bare && !has("--all") {
        return format!(" {flow}");
    }
    String::new()
}

/// Who wrote a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Ours,
    Others,
}

fn walk(lacks: Lacks<'_>, value: &mut Value, whose: Whose) {
    match value {
        Value::String(text) if whose == Whose::Ours => *text = with(lacks, text).into_owned(),
        Value::Array(all) => all.iter_mut().for_each(|one| walk(lacks, one, whose)),
        Value::Object(members) => {
            for (name, member) in members {
                if !RECORDS.contains(&name.as_str()) {
                    let whose = match WORDS.contains(&name.as_str()) {
                        true => Whose::Ours,
                        false => Whose::Others,
                    };
                    walk(lacks, member, whose);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn config(config: &str) -> Lacks<'_> {
        Lacks { config, flow: "" }
    }

    #[test]
    fn a_value_is_one_word_of_a_shell() {
        for (value, word) in [
            ("books/footbridge.toml", "books/footbridge.toml"),
            ("my books/f.toml", "'my books/f.toml'"),
            ("it's", r"'it'\''s'"),
            ("$(rm -r .)", "'$(rm -r .)'"),
            ("", "''"),
        ] {
            assert_eq!(quoted(value), word);
        }
    }

    #[test]
    fn every_command_in_words_gets_the_configuration_once() {
        let option = option(Path::new("no such folder/f.toml"));
        assert_eq!(option, " -c 'no such folder/f.toml'");
        let text = "Run `footbridge plan`, then (`footbridge plan apply 1`). `footbridge init` writes one; footbridge is a program.";
        let told = with(config(" -c f.toml"), text);
        assert_eq!(
            told,
            "Run `footbridge -c f.toml plan`, then (`footbridge -c f.toml plan apply 1`). `footbridge init` writes one; footbridge is a program."
        );
        assert_eq!(with(config(" -c f.toml"), &told), told, "once");
        assert_eq!(with(config(""), text), text);
    }

    #[test]
    fn what_others_wrote_stays_as_it_is() {
        let theirs = "Run `footbridge stop --all` now";
        let text = format!("{}. Then `footbridge sync`.", of_others(theirs));
        let told = with(config(" -c f.toml"), &text).into_owned();
        assert_eq!(
            unmarked(&with(config(" -c f.toml"), &told)),
            format!("{theirs}. Then `footbridge -c f.toml sync`.")
        );
    }

    #[test]
    fn of_several_flows_a_command_names_the_one_that_is_meant() {
        let lacks = Lacks {
            config: " -c f.toml",
            flow: "'my deals'",
        };
        for (words, told) in [
            ("plan apply 5f0c", "plan apply 5f0c --flow 'my deals'"),
            ("items retry 006", "items retry 006 --flow 'my deals'"),
            ("sync --go-on", "sync --go-on --flow 'my deals'"),
            ("status", "status --flow 'my deals'"),
            ("plan list --flow b", "plan list --flow b"),
            ("go", "go 'my deals'"),
            ("go b", "go b"),
            ("go --all", "go --all"),
            ("doctor", "doctor"),
            ("connect xero", "connect xero"),
        ] {
            let text = format!("Then `footbridge {words}`, and `footbridge {words}`.");
            let want =
                format!("Then `footbridge -c f.toml {told}`, and `footbridge -c f.toml {told}`.");
            assert_eq!(with(lacks, &text), want);
            assert_eq!(with(lacks, &want), want, "once");
            let here = Lacks {
                config: "",
                ..lacks
            };
            let want = want.replace(" -c f.toml", "");
            assert_eq!(with(here, &text), want);
            assert_eq!(with(here, &want), want, "once");
        }
    }

    #[test]
    fn in_json_only_words_of_ours_change() {
        let said = "`footbridge plan`";
        let mut value = json!({
            "message": said, "title": said, "doc": {"message": said}, "error": {"causes": [said]},
        });
        walk(config(" -c f"), &mut value, Whose::Others);
        let told = "`footbridge -c f plan`";
        let want = json!({
            "message": told, "title": said, "doc": {"message": said}, "error": {"causes": [told]},
        });
        assert_eq!(value, want);
    }
}
