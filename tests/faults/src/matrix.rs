//! Plays many cells, a few at a time. It decides which, never how one went.

use crate::audited::audited_row;
use crate::cell::{Outcome, Played, play};
use crate::column::{Column, Ground};
use crate::program::Machine;
use crate::row::{ROWS, Row};
use footbridge_crash::auditor::Auditor;
use footbridge_sandbox::Sandbox;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Which cells are played.
#[derive(Debug, Clone, Default)]
pub struct Matrix {
    /// Only rows whose name contains it.
    pub row: String,
    /// Only columns whose name contains it.
    pub column: String,
    /// Cells at the same time.
    pub at_once: usize,
}

impl Matrix {
    /// Every cell that is asked for, on these grounds.
    pub fn cells(&self, grounds: &[Ground]) -> Vec<(&'static Row, Column)> {
        let rows = ROWS.iter().filter(|row| row.name.contains(&self.row));
        rows.flat_map(|row| {
            let columns = Column::all().into_iter();
            columns
                .filter(|column| grounds.contains(&column.ground()))
                .filter(|column| column.name().contains(&self.column))
                .map(move |column| (row, column))
        })
        .collect()
    }

    /// Plays one cell for each fault again, with the auditor's verdict.
    pub async fn audited(&self, sandbox: &Sandbox, auditor: &Auditor) -> Vec<Played> {
        let cells = Column::all()
            .into_iter()
            .filter(|column| column.ground() == Ground::Here)
            .filter(|column| column.name().contains(&self.column));
        let mut all = Vec::new();
        for column in cells {
            if let Some(row) = audited_row(column) {
                all.push(play(row, column, sandbox, Some(auditor)).await);
            }
        }
        all
    }

    /// Plays cells. `tell` hears of each.
    pub async fn play(
        &self,
        cells: Vec<(&'static Row, Column)>,
        sandbox: &Sandbox,
        machine: Option<&Arc<Machine>>,
        tell: impl Fn(&Played),
    ) -> Vec<Played> {
        let gate = Arc::new(Semaphore::new(self.at_once.max(1)));
        let mut playing = JoinSet::new();
        for (row, column) in cells {
            let (gate, sandbox) = (Arc::clone(&gate), sandbox.clone());
            let machine = machine.map(Arc::clone);
            playing.spawn(async move {
                let _turn = gate.acquire_owned().await;
                match (column.ground(), machine) {
                    (Ground::Here, _) => play(row, column, &sandbox, None).await,
                    (Ground::Program, Some(machine)) => machine.play(row, column, &sandbox).await,
                    (Ground::Program, None) => Played {
                        row: row.name,
                        column,
                        outcome: Outcome::Wrong(vec!["there is no program to play it".to_owned()]),
                    },
                }
            });
        }
        let mut all = Vec::new();
        while let Some(ended) = playing.join_next().await {
            match ended {
                Ok(played) => {
                    tell(&played);
                    all.push(played);
                }
                Err(error) => all.push(Played {
                    row: "?",
                    column: Column::AnswerLost,
                    outcome: Outcome::Wrong(vec![format!("a cell broke: {error}")]),
                }),
            }
        }
        all
    }
}

/// What can't be played on this machine, and why: how many cells for each reason.
pub fn skipped(all: &[Played]) -> BTreeMap<&str, usize> {
    let mut skipped = BTreeMap::new();
    for played in all {
        if let Outcome::Skipped(why) = &played.outcome {
            *skipped.entry(why.as_str()).or_default() += 1;
        }
    }
    skipped
}

/// What was wrong, one line each; empty if nothing was.
pub fn mistakes(all: &[Played]) -> Vec<String> {
    all.iter()
        .filter_map(|played| match &played.outcome {
            Outcome::Wrong(wrong) => Some(format!(
                "{} x {}: {}",
                played.row,
                played.column.name(),
                wrong.join("; ")
            )),
            _ => None,
        })
        .collect()
}
