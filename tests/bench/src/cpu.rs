//! Which threads used the processor: a sync and the simulators share the machine, and only one of them is the product.

use std::collections::BTreeMap;
use std::time::Duration;

/// CPU time of this process's threads by name, where the system tells.
pub(crate) fn by_thread() -> BTreeMap<String, Duration> {
    let mut found: BTreeMap<String, Duration> = BTreeMap::new();
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else {
        return found;
    };
    for task in tasks.flatten() {
        let read = |file: &str| std::fs::read_to_string(task.path().join(file)).ok();
        let (Some(name), Some(stat)) = (read("comm"), read("schedstat")) else {
            continue;
        };
        let nanos = stat.split(' ').next().and_then(|text| text.parse().ok());
        let time = Duration::from_nanos(nanos.unwrap_or_default());
        *found.entry(name.trim().to_owned()).or_default() += time;
    }
    found
}

/// What threads with that beginning of a name used since, and what all others did.
pub(crate) fn since(before: &BTreeMap<String, Duration>, beginning: &str) -> (Duration, Duration) {
    let (mut own, mut others) = (Duration::ZERO, Duration::ZERO);
    for (name, now) in by_thread() {
        let spent = now.saturating_sub(before.get(&name).copied().unwrap_or_default());
        if name.starts_with(beginning) {
            own += spent;
        } else {
            others += spent;
        }
    }
    (own, others)
}
