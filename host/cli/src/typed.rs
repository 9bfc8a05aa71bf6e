//! Commands as a person has to type them: with the configuration that this one was given, quoted for a shell.
//!
//! Words everywhere name a command in backticks, `footbridge items`; the engine, the planner and what an earlier run noted know no
//! configuration. On its way out each gets what it needs to work when it is pasted here: [`in_text`] where text is shown, [`json`]
//! where JSON is.

use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;
use std::path::Path;
use std::sync::OnceLock;

/// What is found without being named, in the folder where the command is given.
const DEFAULT: &str = "footbridge.toml";
/// How a command begins in words.
const IN_WORDS: &str = "`footbridge ";
/// Commands that read no configuration.
const WITHOUT: [&str; 4] = ["demo", "init", "completions", "-c"];
/// Members of our JSON that are words of ours. Everything else may be records of others and stays as it is.
const WORDS: [&str; 8] = [
    "causes", "follows", "found", "message", "problem", "refused", "stopped", "why",
];
/// Members that are records, whatever they call their fields.
const RECORDS: [&str; 3] = ["answer", "doc", "was"];

/// ` -c FILE`, or nothing where that isn't needed. A process is given one configuration.
static GIVEN: OnceLock<String> = OnceLock::new();

/// The configuration that this command was given. Called once, before anything is printed.
pub(crate) fn given(config: &Path) {
    // Whoever comes second is a test within one process; the first word stands.
    let _second = GIVEN.set(option(config));
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
    with(config(), text)
}

/// A value as JSON, whose commands can be pasted where the members are words of ours.
pub(crate) fn json<T: Serialize>(value: &T) -> serde_json::Result<String> {
    let text = serde_json::to_string_pretty(value)?;
    if config().is_empty() || !text.contains(IN_WORDS) {
        return Ok(text);
    }
    let mut value: Value = serde_json::from_str(&text)?;
    walk(config(), &mut value, Whose::Others);
    serde_json::to_string_pretty(&value)
}

fn config() -> &'static str {
    GIVEN.get().map_or("", String::as_str)
}

fn option(config: &Path) -> String {
    let whole = |path: &Path| path.canonicalize().ok();
    let is_found = whole(config).is_some_and(|file| Some(file) == whole(Path::new(DEFAULT)));
    if config == Path::new(DEFAULT) || is_found {
        return String::new();
    }
    format!(" -c {}", quoted(&config.display().to_string()))
}

fn with<'a>(option: &str, text: &'a str) -> Cow<'a, str> {
    if option.is_empty() || !text.contains(IN_WORDS) {
        return Cow::Borrowed(text);
    }
    let mut parts = text.split(IN_WORDS);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for rest in parts {
        let first = rest.split([' ', '`']).next().unwrap_or_default();
        let option = match WITHOUT.contains(&first) {
            true => "",
            false => option,
        };
        out.push_str(IN_WORDS.trim_end());
        out.push_str(option);
        out.push(' ');
        out.push_str(rest);
    }
    Cow::Owned(out)
}

/// Who wrote a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Ours,
    Others,
}

fn walk(option: &str, value: &mut Value, whose: Whose) {
    match value {
        Value::String(text) if whose == Whose::Ours => *text = with(option, text).into_owned(),
        Value::Array(all) => all.iter_mut().for_each(|one| walk(option, one, whose)),
        Value::Object(members) => {
            for (name, member) in members {
                if !RECORDS.contains(&name.as_str()) {
                    let whose = match WORDS.contains(&name.as_str()) {
                        true => Whose::Ours,
                        false => Whose::Others,
                    };
                    walk(option, member, whose);
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
        let told = with(" -c f.toml", text);
        assert_eq!(
            told,
            "Run `footbridge -c f.toml plan`, then (`footbridge -c f.toml plan apply 1`). `footbridge init` writes one; footbridge is a program."
        );
        assert_eq!(with(" -c f.toml", &told), told, "once");
        assert_eq!(with("", text), text);
    }

    #[test]
    fn in_json_only_words_of_ours_change() {
        let said = "`footbridge plan`";
        let mut value = json!({
            "message": said, "title": said, "doc": {"message": said}, "error": {"causes": [said]},
        });
        walk(" -c f", &mut value, Whose::Others);
        let told = "`footbridge -c f plan`";
        let want = json!({
            "message": told, "title": said, "doc": {"message": said}, "error": {"causes": [told]},
        });
        assert_eq!(value, want);
    }
}
