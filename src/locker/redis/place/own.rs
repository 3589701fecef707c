//! Whether the lock that is held is still there, and is ours.

use super::RedisPlace;
use crate::error::Result;
use crate::locker::TakenAway;
use crate::locker::fault::Fault;
use crate::locker::redis::fault;
use crate::locker::redis::reply::{RedisCommand, Reply};
use crate::locker::redis::request_error::RequestError;

/// What is under the key where several hold the lock together.
const SET: &[u8] = b"genlock:set";

/// What is under the key of a lock that is held.
pub(in crate::locker::redis) enum LockKey {
    /// What its holder wrote; and an operator's word to let go, if there is one.
    Ours(Option<TakenAway>),
    Deleted,
    WrittenOver,
}

impl RedisPlace {
    /// Looks at the key of the lock that is held, and asks to be told when it changes.
    pub(in crate::locker::redis) async fn check(&self) -> Result<LockKey, Fault> {
        let mut commands = self.watched_key();
        let mark = format!("!{}", self.id);
        commands.push(RedisCommand::new(["HGET", &self.names.records(), &mark]));
        commands.push(RedisCommand::new(["HGET", &self.names.members(), &self.id]));
        let (_, answers) = self.store.each(&self.names.key, commands).await?;
        let ticket = self.ticket();
        let own = format!("genlock:{ticket}:{}", self.id);
        let among = format!("{ticket}:");
        Ok(match &answers[..] {
            // A type that has no GET is somebody else's.
            [_, Reply::Error(text), ..] if text.starts_with("WRONGTYPE") => LockKey::WrittenOver,
            [_, Reply::Error(text), ..]
            | [_, _, Reply::Error(text), _]
            | [.., Reply::Error(text)] => {
                return Err(fault::judge(RequestError::Answered(text.clone())));
            }
            [_, Reply::Null, ..] => LockKey::Deleted,
            [_, value, mark, _] if value.text() == own.as_bytes() => {
                LockKey::Ours(mark_of(mark.text()))
            }
            [_, value, mark, one]
                if value.text() == SET && one.text().starts_with(among.as_bytes()) =>
            {
                LockKey::Ours(mark_of(mark.text()))
            }
            // Genlocks take only what is free.
            [_, value, ..] if value.text().starts_with(b"genlock:") => LockKey::Deleted,
            _ => LockKey::WrittenOver,
        })
    }
}

/// An operator's word, as it is kept.
pub(in crate::locker::redis) fn mark_of(text: &[u8]) -> Option<TakenAway> {
    (!text.is_empty()).then(|| serde_json::from_slice(text).unwrap_or_default())
}
