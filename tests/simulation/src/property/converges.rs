//! Converges: once all troubles are over, a bounded number of runs brings both sides to rest, with nothing in doubt.

use super::Broken;

pub(crate) const NAME: &str = "converges";

/// It did not.
pub(crate) fn never(runs: usize, last: &str) -> Broken {
    Broken {
        property: NAME,
        says: vec![format!(
            "not at rest after {runs} runs without trouble; {last}"
        )],
    }
}
