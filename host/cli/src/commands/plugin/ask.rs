//! The operator's yes: typed after reading, or given beforehand with the digest of just what was inspected.

use crate::commands::{Output, show};
use crate::exit::UsageError;
use anyhow::Context;
use std::io::BufRead;

/// How a yes is given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word<'a> {
    /// `--yes` was said.
    pub(crate) yes: Said,
    /// The digest that was inspected.
    pub(crate) digest: Option<&'a str>,
    /// How output is shown; JSON asks nobody.
    pub(crate) output: Output,
}

/// Whether `--yes` was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    Yes,
    Nothing,
}

impl From<bool> for Said {
    fn from(given: bool) -> Self {
        if given { Self::Yes } else { Self::Nothing }
    }
}

impl Word<'_> {
    /// Refuses a word that is about something else than `approval`: a file was replaced after it was inspected.
    pub(crate) fn check(
        &self,
        what: &str,
        component: &str,
        approval: &str,
    ) -> Result<(), UsageError> {
        match self.digest.map(str::to_ascii_lowercase) {
            None if self.yes == Said::Yes => Err(UsageError(format!(
                "--yes needs to know to what: add --digest with what `footbridge plugin inspect` printed for {what} after \"to install\""
            ))),
            Some(given) if given == component && given != approval => Err(UsageError(format!(
                "the digest given is of the component of {what} alone, and its manifest counts too. Give the one that `footbridge plugin inspect` prints after \"to install\""
            ))),
            Some(given) if given != approval => Err(UsageError(format!(
                "{what} is not what was inspected: the digest given is {given}, and the files now have another. One of them was replaced. Inspect it again; nothing was changed"
            ))),
            _ => Ok(()),
        }
    }

    /// Asks, unless the word was given beforehand.
    pub(crate) fn ask(&self, shown: &str, question: &str) -> anyhow::Result<bool> {
        if self.digest.is_some() {
            return Ok(true);
        }
        if self.output == Output::Json {
            return Err(UsageError(
                "JSON asks no questions: say yes with --digest and what `footbridge plugin inspect` printed after \"to install\""
                    .to_owned(),
            )
            .into());
        }
        Ok(answer(shown, question)? == Answer::Yes)
    }
}

/// What was answered to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    /// The input ended: no person is there, as in a script.
    Nobody,
}

/// Where `--yes` says it beforehand: refuses to take nobody's answer for a no, for then a script would go on as if it were done.
pub(crate) fn answer_or_yes(shown: &str, question: &str, undone: &str) -> anyhow::Result<bool> {
    match answer(shown, question)? {
        Answer::Yes => Ok(true),
        Answer::No => Ok(false),
        Answer::Nobody => Err(UsageError(format!(
            "{undone}: the question was put and nobody is there to answer. Add --yes to say it beforehand, or --dry-run to look only"
        ))
        .into()),
    }
}

/// Shows, asks and reads a line. Anything but a yes is a no.
pub(crate) fn answer(shown: &str, question: &str) -> anyhow::Result<Answer> {
    show(&format!("{shown}{question} [y/N] "))?;
    let mut line = String::new();
    let read = std::io::stdin()
        .lock()
        .read_line(&mut line)
        .context("the answer can't be read")?;
    let answer = match line.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => return Ok(Answer::Yes),
        _ if read == 0 => Answer::Nobody,
        _ => Answer::No,
    };
    show("\n")?;
    Ok(answer)
}
