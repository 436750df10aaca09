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
            store: Some(store).filter(|store| !store.excludes_others()),
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
        self.with(|store| store.write(body))
    }

    /// See [`Store::add`].
    pub(crate) fn add<T, E: From<minet_state::Error>>(
        &mut self,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.with(|store| store.add(body))
    }

    /// See [`Store::read`].
    pub(crate) fn read<T, E: From<minet_state::Error>>(
        &mut self,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.with(|store| store.read(body))
    }

    /// See [`Store::rehearse`].
    pub(crate) fn rehearse<T, E: From<minet_state::Error>>(
        &mut self,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.with(|store| store.rehearse(body))
    }

    fn with<T, E: From<minet_state::Error>>(
        &mut self,
        act: impl FnOnce(&mut Store) -> Result<T, E>,
    ) -> Result<T, E> {
        let store = self.open()?;
        let alone = store.excludes_others();
        let done = act(store);
        if alone {
            self.close();
        }
        done
    }

    fn open(&mut self) -> Result<&mut Store, minet_state::Error> {
        let store = match self.store.take() {
            Some(store) => store,
            None => Store::open(&self.dir)?,
        };
        Ok(self.store.insert(store))
    }
}
