//! Rows of a medium, all of them: written in batches, read in pages.
//!
//! Responsible for: memory that doesn't grow with the rows. Never: looks into a frame. Flow: `restore` and `swap` use it.

use crate::local::{AFTER_ROWS, FIRST_ROW};
use crate::medium::{Change, Medium, MediumError, RawRow};

/// Bytes of rows written at a time.
const BATCH: usize = 4 * 1024 * 1024;
/// Rows read at a time.
const PAGE: usize = 1000;

/// Writes rows in batches.
pub(crate) struct Batch<'a> {
    medium: &'a dyn Medium,
    rows: Vec<Change>,
    bytes: usize,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(medium: &'a dyn Medium) -> Self {
        Self {
            medium,
            rows: Vec::new(),
            bytes: 0,
        }
    }

    pub(crate) fn add(&mut self, key: Vec<u8>, frame: Vec<u8>) -> Result<(), MediumError> {
        self.bytes += key.len() + frame.len();
        self.rows.push((key, Some(frame)));
        match self.bytes >= BATCH {
            true => self.flush(),
            false => Ok(()),
        }
    }

    pub(crate) fn flush(&mut self) -> Result<(), MediumError> {
        self.bytes = 0;
        let rows = std::mem::take(&mut self.rows);
        self.medium.write_durably(&rows)
    }
}

/// All rows of a medium in key order, a page in memory at a time.
pub(crate) struct Rows<'a> {
    medium: &'a dyn Medium,
    page: std::vec::IntoIter<RawRow>,
    next: Option<Vec<u8>>,
}

impl<'a> Rows<'a> {
    /// The caller's rows.
    pub(crate) fn new(medium: &'a dyn Medium) -> Self {
        Self {
            medium,
            page: Vec::new().into_iter(),
            next: Some(FIRST_ROW.to_vec()),
        }
    }

    /// The next row, whatever its frame holds.
    pub(crate) fn next(&mut self) -> Result<Option<RawRow>, MediumError> {
        loop {
            if let Some(row) = self.page.next() {
                return Ok(Some(row));
            }
            let Some(start) = self.next.take() else {
                return Ok(None);
            };
            let rows = self.medium.read_range(&start, AFTER_ROWS, PAGE)?;
            self.next = rows.last().map(|(last, _)| [&last[..], &[0]].concat());
            self.page = rows.into_iter();
        }
    }
}
