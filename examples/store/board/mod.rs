//! A store of locks, written outside of genlock: a board on the wall of one process. Whoever wants a
//! lock writes a note below its key; the topmost note holds it. docs/writing-a-store.md shows how it is made.

mod client;
mod operator;
mod place;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use genlock::Record;
use genlock::locker::operator::Contender;
use tokio::sync::watch;

pub(crate) use client::BoardClient;

/// The board: what is a server elsewhere. Clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Board(Arc<Wall>);

#[derive(Default)]
struct Wall {
    keys: Mutex<BTreeMap<String, Vec<Note>>>,
    /// Counts the changes, and with them the tokens.
    changes: watch::Sender<u64>,
}

/// What stands for a holder or waiter.
#[derive(Clone)]
struct Note {
    token: u64,
    /// Its record, as JSON.
    text: Vec<u8>,
}

/// The protocol: four things that a client can do.
impl Board {
    /// Writes a note below those that are there; or none if `alone` is asked for and there are others,
    /// of which it gives the first.
    fn write(&self, key: &str, text: Vec<u8>, alone: bool) -> Result<u64, Note> {
        let mut keys = self.keys();
        if let Some(first) = keys.get(key).and_then(|notes| notes.first())
            && alone
        {
            return Err(first.clone());
        }
        let token = *self.0.changes.borrow() + 1;
        let notes = keys.entry(key.to_owned()).or_default();
        notes.push(Note { token, text });
        self.changed();
        Ok(token)
    }

    /// The notes below a key, in order.
    fn read(&self, key: &str) -> Vec<Note> {
        self.keys().get(key).cloned().unwrap_or_default()
    }

    /// Writes over a note. False if it is not there.
    fn rewrite(&self, key: &str, token: u64, text: Vec<u8>) -> bool {
        let mut keys = self.keys();
        let notes = keys.get_mut(key).map_or(&mut [][..], Vec::as_mut_slice);
        let Some(note) = notes.iter_mut().find(|note| note.token == token) else {
            return false;
        };
        note.text = text;
        self.changed();
        true
    }

    /// Wipes a note off. False if it is not there.
    pub(crate) fn wipe(&self, key: &str, token: u64) -> bool {
        let mut keys = self.keys();
        let Some(notes) = keys.get_mut(key) else {
            return false;
        };
        let before = notes.len();
        notes.retain(|note| note.token != token);
        let found = notes.len() < before;
        if notes.is_empty() {
            keys.remove(key);
        }
        self.changed();
        found
    }

    /// The owner keys of all notes.
    pub(crate) fn owner_keys(&self) -> Vec<String> {
        let keys = self.keys();
        let all = keys.iter().flat_map(|(key, notes)| {
            let owner_keys = notes.iter().map(|note| owner_key(key, note.token));
            owner_keys.collect::<Vec<_>>()
        });
        all.collect()
    }

    /// Told of every change.
    fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    fn changed(&self) {
        self.0.changes.send_modify(|count| *count += 1);
    }

    fn keys(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Note>>> {
        self.0.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Note {
    /// As an operator sees it.
    fn contender(&self, key: &str) -> Contender {
        Contender::new(owner_key(key, self.token))
            .with_token(self.token)
            .with_record(Record::from_json(&self.text))
    }
}

fn owner_key(key: &str, token: u64) -> String {
    format!("{key}#{token}")
}
