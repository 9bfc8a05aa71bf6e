//! What the browser shows when it comes back: did it work, and what now. One page, no script, nothing from elsewhere.
//!
//! Text from outside is escaped here and stands in a box of its own, so that nobody takes it for ours.

use footbridge_sandbox::CallbackError;

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1c2430; --paper: #f4f6f8; --card: #fff; --line: #d5dbe3; --good: #14713d; --bad: #b3261e; --soft: #55606e }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ecf1; --paper: #12161c; --card: #1b212a; --line: #343d4a; --good: #6fd59b; --bad: #ff9d94; --soft: #a6b0be } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif }
main { width: 100%; max-width: 34rem; background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: clamp(1.25rem, 5vw, 2.5rem); overflow-wrap: anywhere }
h1 { margin: 0 0 .75rem; font-size: 1.4rem; line-height: 1.25 }
h1 span { display: block; margin-bottom: .35rem; font-size: .8rem; font-weight: 600; letter-spacing: .04em; color: var(--soft) }
.good { color: var(--good) } .bad { color: var(--bad) }
p { margin: .75rem 0 0 }
blockquote { margin: 1rem 0 0; padding: .6rem .9rem; border-left: 3px solid var(--line); color: var(--soft) }
.small { font-size: .875rem; color: var(--soft) }";

/// The code is ours.
pub(super) fn let_in() -> String {
    page(
        "good",
        "Access was given",
        "<p>Go back to the window where you started <b>footbridge connect</b>. It now looks whether everything your flows need is there, and tells you when the account is connected.</p><p class=\"small\">You can close this page.</p>",
    )
}

/// There is no code for us.
pub(super) fn not_let_in(error: &CallbackError) -> String {
    let again = "<p class=\"small\">Nothing was stored. You can close this page.</p>";
    let (title, body) = match error {
        CallbackError::Denied => (
            "Access was not given",
            "<p>Somebody chose Deny on the page before, so the account is not connected.</p><p>To connect it after all, run the command again.</p>".to_owned(),
        ),
        CallbackError::Refused { said, to_do } => (
            "The provider did not let Footbridge in",
            format!(
                "<p>It says:</p><blockquote>{}</blockquote><p>{}.</p>",
                escaped(said),
                escaped(&to_do.replace('`', ""))
            ),
        ),
        CallbackError::StateMissing | CallbackError::StateForged => (
            "This answer belongs to another attempt",
            "<p>It does not fit the link that was opened last, so it was not used. If you started twice, use the newest link only.</p><p>If you did not, somebody may have sent you here to slip their own account in. Start again from the command.</p>".to_owned(),
        ),
        CallbackError::NoCode(_) | CallbackError::TooLong => (
            "This answer can not be used",
            "<p>It holds no code. Run the command again and use the link that it prints.</p>".to_owned(),
        ),
    };
    page("bad", title, &format!("{body}{again}"))
}

/// Something else was asked for.
pub(super) fn not_here() -> String {
    page(
        "bad",
        "There is nothing here",
        "<p>Footbridge waits here for the answer of a consent page, and for nothing else.</p>",
    )
}

fn page(class: &str, title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title} - Footbridge</title><style>{STYLE}</style></head><body><main><h1 class=\"{class}\"><span>Footbridge</span>{title}</h1>{body}</main></body></html>"
    )
}

/// Text from outside, as text. Characters that turn or hide others are shown as what they are.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in crate::render::safe(text, 400).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_stays_text() {
        let error = CallbackError::Refused {
            said: "x: <script>alert(1)</script>\u{202e}'\"&".to_owned(),
            to_do: "Look".to_owned(),
        };
        let shown = not_let_in(&error);
        assert!(
            !shown.contains("<script") && !shown.contains('\u{202e}'),
            "{shown}"
        );
        assert!(
            shown.contains("&lt;script&gt;alert(1)&lt;/script&gt;\u{fffd}&#39;&quot;&amp;"),
            "{shown}"
        );
        for page in [let_in(), not_here(), shown] {
            for outside in ["http:", "https:", "src=", "href=", "url("] {
                assert!(!page.contains(outside), "{outside}: {page}");
            }
        }
    }
}
