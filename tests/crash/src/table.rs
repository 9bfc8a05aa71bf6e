//! The table that a proof prints: one row per point or fault, and the sum.
//!
//! It adds up; whether a row is right was decided in the rounds.

use crate::round::Gone;
use crate::verdict::Counts;

/// One row.
#[derive(Debug, Default)]
struct Row {
    label: String,
    rounds: usize,
    kills: usize,
    counts: Counts,
    released: usize,
    audited: usize,
    wrong: usize,
}

impl Row {
    fn add(&mut self, gone: &Gone) {
        self.rounds += 1;
        self.kills += gone.kills;
        self.counts += &gone.counts;
        self.released += gone.released;
        self.audited += usize::from(gone.audited);
        self.wrong += usize::from(!gone.wrong.is_empty());
    }

    fn line(&self) -> String {
        let counts = &self.counts;
        let others =
            counts.unexpected + counts.wrong_totals + counts.wrong_write_backs + counts.touched;
        let verdict = match self.wrong {
            0 => "right".to_owned(),
            n => format!("{n} WRONG"),
        };
        format!(
            "| {} | {} | {} | {} / {} | {} | {} | {others} | {} | {} | {verdict} |\n",
            self.label,
            self.rounds,
            self.kills,
            counts.expected,
            counts.found,
            counts.duplicates,
            counts.lost,
            self.released,
            self.audited,
        )
    }
}

/// The table, in Markdown. Rows stand in the order in which they first appear.
pub fn table(all: &[Gone]) -> String {
    let mut rows: Vec<Row> = Vec::new();
    let mut sum = Row {
        label: "**all**".to_owned(),
        ..Row::default()
    };
    for gone in all {
        sum.add(gone);
        match rows.iter_mut().find(|row| row.label == gone.label) {
            Some(row) => row.add(gone),
            None => {
                let mut row = Row {
                    label: gone.label.clone(),
                    ..Row::default()
                };
                row.add(gone);
                rows.push(row);
            }
        }
    }
    let mut text = String::from(
        "| killed at, or fault | rounds | kills | invoices expected / found | duplicates | lost | other mistakes | released by the person | audited | verdict |\n\
         |---|---|---|---|---|---|---|---|---|---|\n",
    );
    for row in rows.iter().chain([&sum]) {
        text.push_str(&row.line());
    }
    text
}

/// What was wrong, one line each; empty if nothing was.
pub fn mistakes(all: &[Gone]) -> String {
    let wrong = all.iter().filter(|gone| !gone.wrong.is_empty());
    wrong
        .map(|gone| format!("{}: {}\n", gone.label, gone.wrong.join("\n    ")))
        .collect()
}
