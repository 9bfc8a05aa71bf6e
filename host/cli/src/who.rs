//! Who gives a command, as the operating system names them: for the journal, never for access.

/// The user's name; where the system has none for them, the number; else what the surroundings say.
pub(crate) fn by() -> String {
    uid()
        .map(|uid| {
            let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
            named(&users, uid).unwrap_or_else(|| format!("user {uid}"))
        })
        .or_else(|| {
            ["USER", "LOGNAME", "USERNAME"]
                .into_iter()
                .find_map(|v| std::env::var(v).ok())
        })
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "somebody".to_owned())
}

/// The number of the user whose process this is.
#[cfg(unix)]
fn uid() -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let own = std::fs::metadata("/proc/self").ok()?;
    Some(own.uid())
}

#[cfg(not(unix))]
fn uid() -> Option<u32> {
    None
}

fn named(users: &str, uid: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn a_user_by_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nbroken\n";
        assert_eq!(named(users, 1000).as_deref(), Some("ann"));
        assert_eq!(named(users, 7), None);
    }
}
