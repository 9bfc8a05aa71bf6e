//! The registry held against what the connectors say of themselves: natural keys, and which of them the far side keeps unique.
//!
//! A vendor's own record (a deal) has no fixed description; its kinds are changes by id, which every connector reads.

use crate::world::{Time, World};
use footbridge::compose::Kit;
use footbridge_model::write_kind::{KnownBy, Unique, WRITE_KINDS, Written};
use footbridge_sandbox::Sandbox;

/// Where a registered kind says something else than its connector. Empty: they agree.
///
/// # Errors
/// A connector can't be asked.
pub async fn disagreements(sandbox: &Sandbox) -> anyhow::Result<Vec<String>> {
    let world = World::start(Time::usual()).await?;
    let kit = Kit::open_in(&world.read_config()?, &world.surroundings(sandbox))?;
    let mut objects = kit.parts.ledger.describe().await?.objects;
    objects.extend(kit.parts.source.describe().await?.objects);
    let mut found = Vec::new();
    for kind in WRITE_KINDS {
        let Written::Object(name) = kind.what else {
            continue;
        };
        let Some(object) = objects.iter().find(|object| object.name == name) else {
            found.push(format!("{}: no connector knows {name}", kind.name));
            continue;
        };
        if object.batch_size == 0 {
            found.push(format!("{}: its connector can't write {name}", kind.name));
        }
        if let KnownBy::NaturalKey(key) = kind.known_by
            && !object.natural_keys.iter().any(|known| known == key)
        {
            found.push(format!("{}: {key} is no natural key of {name}", kind.name));
        }
        let fits = match kind.unique {
            Unique::Enforced(key) => object.unique_keys.iter().any(|unique| unique == key),
            Unique::Ours => kind
                .known_by
                .field()
                .is_none_or(|key| !object.unique_keys.iter().any(|unique| unique == key)),
            Unique::Inherent => true,
        };
        if !fits {
            let unique = object.unique_keys.join(", ");
            found.push(format!(
                "{}: registered as {:?}, and the far side keeps unique: {unique}",
                kind.name, kind.unique
            ));
        }
    }
    Ok(found)
}
