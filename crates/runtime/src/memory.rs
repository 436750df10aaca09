use minet_state::{Store, Transaction};
use std::path::PathBuf;

/// The store, open only while it is used: a supervisor that sleeps for weeks keeps no
/// database, no page cache and no file of it open.
pub(crate) struct Memory {
    dir: PathBuf,
    store: Option<Store>,
}

impl Memory {
    /// A store that is open already and, when it is closed, opened again from `dir`.
    pub(crate) fn new(dir: PathBuf, store: Store) -> Self {
        Memory {
            dir,
            store: Some(store),
        }
    }

    /// Closes the store; the next use opens it again.
    pub(crate) fn close(&mut self) {
        self.store = None;
    }

    /// See [`Store::write`].
    pub(crate) fn write<T, E: From<minet_state::Error>>(
        &mut self,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.open()?.write(body)
    }

    /// See [`Store::read`].
    pub(crate) fn read<T, E: From<minet_state::Error>>(
        &mut self,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.open()?.read(body)
    }

    /// See [`Store::rehearse`].
    pub(crate) fn rehearse<T, E: From<minet_state::Error>>(
        &mut self,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.open()?.rehearse(body)
    }

    fn open(&mut self) -> Result<&mut Store, minet_state::Error> {
        let store = match self.store.take() {
            Some(store) => store,
            None => Store::open(&self.dir)?,
        };
        Ok(self.store.insert(store))
    }
}
