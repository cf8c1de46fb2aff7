//! Standing in for a broken header or schema.
//!
//! The schema of a store is known, and a store makes its tables before anything
//! else, so that their root pages are the same in all of them. What a blank
//! store has on its schema's pages therefore fits any store of the same schema
//! that was made in one go (one that grew through migrations has later tables
//! elsewhere; of it only the tables that are found can be read).

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::error::StoreError;
use crate::files::{self, COMPANIONS, with_suffix};
use crate::{connection, migrate};

/// Offsets in the header, all big-endian: <https://sqlite.org/fileformat2.html>.
const CHANGE_COUNTER: usize = 24;
const PAGE_COUNT: usize = 28;
const FREE_LIST: usize = 32;
const VERSION_VALID_FOR: usize = 92;

/// Pages of a file, by index from 0.
struct Pages {
    page_bytes: u64,
    pages: Vec<(u64, Vec<u8>)>,
}

/// Copies `from`, with its log, to `to` and gives the copy the header and the
/// schema of a blank store.
pub(super) fn copy_with_blank_schema(from: &Path, to: &Path) -> Result<(), StoreError> {
    let blank = with_suffix(to, "-blank");
    files::remove(&blank)?;
    let mut schema = schema_pages(&blank)?;
    files::remove(&blank)?;

    fs::copy(from, to).map_err(StoreError::file("copy", from))?;
    for suffix in COMPANIONS {
        let companion = with_suffix(from, suffix);
        if companion.is_file() {
            fs::copy(&companion, with_suffix(to, suffix))
                .map_err(StoreError::file("copy", &companion))?;
        }
    }

    let length = fs::metadata(to)
        .map_err(StoreError::file("look at", to))?
        .len();
    let whole_pages = u32::try_from(length / schema.page_bytes).unwrap_or(u32::MAX);
    if let Some((0, header)) = schema.pages.first_mut() {
        let mut put = |at: usize, value: u32| {
            if let Some(field) = header.get_mut(at..at + 4) {
                field.copy_from_slice(&value.to_be_bytes());
            }
        };
        // Equal counters say that the page count is right.
        put(CHANGE_COUNTER, 1);
        put(VERSION_VALID_FOR, 1);
        put(PAGE_COUNT, whole_pages.max(1));
        put(FREE_LIST, 0);
        put(FREE_LIST + 4, 0);
    }
    write_pages(to, &schema).map_err(StoreError::file("write", to))
}

fn write_pages(to: &Path, schema: &Pages) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(to)?;
    for (index, page) in &schema.pages {
        file.seek(SeekFrom::Start(index * schema.page_bytes))?;
        file.write_all(page)?;
    }
    file.flush()
}

/// The pages of a blank store that hold its header and schema.
fn schema_pages(blank: &Path) -> Result<Pages, StoreError> {
    let mut connection = connection::open(blank)?;
    migrate::run(&mut connection, migrate::MIGRATIONS)?;
    let page_bytes: u64 = connection
        .pragma_query_value(None, "page_size", |row| row.get::<_, u32>(0))?
        .into();
    let roots = {
        let mut statement =
            connection.prepare("SELECT rootpage FROM sqlite_schema WHERE rootpage > 0")?;
        let roots = statement.query_map((), |row| row.get::<_, u32>(0))?;
        roots.collect::<rusqlite::Result<Vec<u32>>>()?
    };
    connection
        .close()
        .map_err(|(_, error)| StoreError::from(error))?;

    let mut bytes = Vec::new();
    fs::File::open(blank)
        .and_then(|mut file| file.read_to_end(&mut bytes))
        .map_err(StoreError::file("read", blank))?;
    let page_size = usize::try_from(page_bytes).unwrap_or(usize::MAX);
    let pages = (0_u64..)
        .zip(bytes.chunks_exact(page_size))
        .filter(|(index, _)| !roots.iter().any(|&root| u64::from(root) == index + 1))
        .map(|(index, page)| (index, page.to_vec()))
        .collect();
    Ok(Pages { page_bytes, pages })
}
