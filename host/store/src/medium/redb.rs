//! redb behind the medium trait.
//!
//! Responsible for: one table, every commit durable when it returns. Never: redb types outside this file.
//! Flow: see `medium`.

use std::path::Path;

use redb::{Database, ReadableDatabase, StorageError, TableDefinition};

use super::{Change, Medium, MediumError, RawRow};
use crate::disk;

const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");
/// Page cache in bytes, as for sled.
const CACHE: usize = 64 * 1024 * 1024;

pub(crate) struct Redb(Database);

impl Redb {
    pub(crate) fn open(home: &Path) -> Result<Self, MediumError> {
        let path = home.join("rows.redb");
        let database = Database::builder()
            .set_cache_size(CACHE)
            .create(path)
            .map_err(redb::Error::from)?;
        let opened = Self(database);
        // Creates the table, so that reads need not tell a missing one from a failure.
        opened.write_durably(&[])?;
        disk::sync_dir(home).map_err(MediumError::from)?;
        Ok(opened)
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, redb::Error> {
        let table = self.0.begin_read()?.open_table(ROWS)?;
        Ok(table.get(key)?.map(|value| value.value().to_vec()))
    }

    fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<RawRow>, redb::Error> {
        let table = self.0.begin_read()?.open_table(ROWS)?;
        let rows = table.range::<&[u8]>(start..end)?.take(limit);
        rows.map(|row| row.map(|(key, value)| (key.value().to_vec(), value.value().to_vec())))
            .collect::<Result<_, StorageError>>()
            .map_err(redb::Error::from)
    }

    fn write(&self, changes: &[Change]) -> Result<(), redb::Error> {
        // `Durability::Immediate` is the default of a write transaction.
        let transaction = self.0.begin_write()?;
        {
            let mut table = transaction.open_table(ROWS)?;
            for (key, frame) in changes {
                match frame {
                    Some(frame) => table.insert(key.as_slice(), frame.as_slice())?,
                    None => table.remove(key.as_slice())?,
                };
            }
        }
        transaction.commit()?;
        Ok(())
    }
}

impl Medium for Redb {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, MediumError> {
        Ok(self.get(key)?)
    }

    fn read_range(
        &self,
        start: &[u8],
        end: &[u8],
        limit: usize,
    ) -> Result<Vec<RawRow>, MediumError> {
        Ok(self.range(start, end, limit)?)
    }

    fn write_durably(&self, changes: &[Change]) -> Result<(), MediumError> {
        Ok(self.write(changes)?)
    }
}

impl From<redb::Error> for MediumError {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Corrupted(reason) => Self::Damaged(format!("redb found damage: {reason}")),
            redb::Error::Io(error) => error.into(),
            other => Self::Failed(other.to_string()),
        }
    }
}
