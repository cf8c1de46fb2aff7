//! The suite of store behaviour on the simulated store: the same that the
//! SQLite store passes.

use twine_sim::store::MemoryStore;
use twine_store::suite::Backend;

struct Memory;

impl Backend for Memory {
    type Store = MemoryStore;

    fn open(&mut self) -> MemoryStore {
        MemoryStore::new()
    }

    fn crash_and_reopen(&mut self, store: MemoryStore) -> MemoryStore {
        // The world decides what a crash leaves; what was answered stays.
        store
    }
}

twine_store::behaves_like_a_store!(Memory);
