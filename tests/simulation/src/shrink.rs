//! Shrinking: steps are left out for as long as the same property still fails, in ever smaller pieces, then one by one, then the world's deals
//! and accounts are kept as they are. What is left is the story to read.
//!
//! The search only asks a judge, so it is tested without playing anything.

use crate::schedule::{Schedule, Step};
use std::future::Future;

/// The smallest list of steps found that the judge still calls broken, and how often it was asked.
///
/// # Errors
/// The judge could not judge.
pub async fn shrink<J, F>(
    schedule: &Schedule,
    most: usize,
    judge: J,
) -> anyhow::Result<(Schedule, usize)>
where
    J: Fn(Schedule) -> F,
    F: Future<Output = anyhow::Result<bool>>,
{
    let mut steps = schedule.steps.clone();
    let (mut asked, mut pieces) = (0, 2);
    let with = |steps: &[Step]| Schedule {
        steps: steps.to_vec(),
        ..schedule.clone()
    };
    while steps.len() > 1 && asked < most {
        let size = steps.len().div_ceil(pieces);
        let mut smaller = None;
        for start in (0..steps.len()).step_by(size.max(1)) {
            let left: Vec<Step> = steps
                .iter()
                .enumerate()
                .filter(|(at, _)| *at < start || *at >= start + size)
                .map(|(_, step)| step.clone())
                .collect();
            if left.is_empty() || asked >= most {
                continue;
            }
            asked += 1;
            if judge(with(&left)).await? {
                smaller = Some(left);
                break;
            }
        }
        match smaller {
            Some(left) => {
                steps = left;
                pieces = pieces.saturating_sub(1).max(2);
            }
            None if size <= 1 => break,
            None => pieces = (pieces * 2).min(steps.len()),
        }
    }
    Ok((with(&steps), asked))
}
