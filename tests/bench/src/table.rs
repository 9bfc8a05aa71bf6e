//! Findings as a table for people. Scripts take `--json`.

use crate::finding::{Finding, Verdict};

/// The table, and under it what must be known to read it.
pub fn table(findings: &[Finding]) -> String {
    let head = [
        "benchmark",
        "what",
        "median",
        "p95",
        "p99",
        "ratio",
        "against",
        "goal",
        "",
    ];
    let mut rows: Vec<Vec<String>> = vec![head.map(str::to_owned).to_vec()];
    rows.extend(findings.iter().map(row));
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let gap = " ".repeat(width.saturating_sub(cell.chars().count()) + 2);
            line.push_str(cell);
            line.push_str(&gap);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    for finding in findings.iter().filter(|finding| !finding.note.is_empty()) {
        out.push_str(&format!(
            "\n{}, {}: {}",
            finding.benchmark, finding.what, finding.note
        ));
    }
    out.push('\n');
    out
}

fn row(finding: &Finding) -> Vec<String> {
    let median = match finding.per_second {
        Some(rate) => format!("{} ({rate}/s)", time(finding.median_ns)),
        None => time(finding.median_ns),
    };
    let (ratio, against) = match &finding.against {
        Some(other) => (
            format!(
                "{}.{:02}x",
                other.ratio_hundredths / 100,
                other.ratio_hundredths % 100
            ),
            format!("{} ({})", other.what, time(other.median_ns)),
        ),
        None => (String::new(), String::new()),
    };
    let (goal, verdict) = match &finding.goal {
        Some(goal) => (
            goal.words.to_owned(),
            match goal.verdict {
                Verdict::Met => "met",
                Verdict::Missed => "NOT MET",
                Verdict::Failed => "FAILED",
            },
        ),
        None => (String::new(), ""),
    };
    vec![
        finding.benchmark.to_owned(),
        finding.what.clone(),
        median,
        time(finding.p95_ns),
        time(finding.p99_ns),
        ratio,
        against,
        goal,
        verdict.to_owned(),
    ]
}

/// With three digits or so and the unit that fits.
fn time(nanos: u64) -> String {
    match nanos {
        0..10_000 => format!("{nanos} ns"),
        10_000..1_000_000 => format!("{}.{} us", nanos / 1_000, nanos % 1_000 / 100),
        1_000_000..1_000_000_000 => {
            format!("{}.{:02} ms", nanos / 1_000_000, nanos % 1_000_000 / 10_000)
        }
        _ => format!(
            "{}.{:02} s",
            nanos / 1_000_000_000,
            nanos % 1_000_000_000 / 10_000_000
        ),
    }
}
