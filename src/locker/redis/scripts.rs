//! What is asked of Redis, each in one script: nothing comes between its steps. They are sent whole
//! every time: a server that has not seen one, or has forgotten it, would cost two round trips more.

mod text;

use std::time::Duration;

use super::names::LockNames;
use super::reply::{RedisCommand, Reply};
use crate::locker::{Mode, QueuePolicy, Record};
use text::{CLEAR, EXTEND, LEAVE, LOOK, MARKS, OUTLIVE, RIGHTS, STAMP, TAKE, TAKE_AWAY};

/// What is asked of a lock for one place, each time in the same way.
pub(super) struct PlaceRequest {
    pub(super) ttl: Duration,
    /// What it says of itself.
    pub(super) record: Vec<u8>,
    pub(super) mode: Mode,
    pub(super) queue: QueuePolicy,
    pub(super) waits: bool,
}

/// What to do where the lock is not free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// Nothing.
    Try,
    /// Stand in its queue.
    Wait,
    /// Renew what there is of us.
    Stay,
}

/// Of whom a look gives the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Records {
    /// The holder, and all who wait.
    All,
    Holders,
}

/// What there is of one who asked for a lock.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum PlaceState {
    Holds(HeldPlace),
    Waits(QueuePlace),
    /// Nothing, and another holds.
    Busy(LockHolder),
    /// Nothing, and one who is there before says that another number may hold.
    OtherMaxHolders(u32),
    /// Nothing: it waited, and a later one came.
    Superseded,
    /// Nothing.
    Gone,
}

impl PlaceState {
    /// By which it stands in the queue, or holds.
    pub(super) fn ticket(&self) -> Option<u64> {
        match self {
            Self::Holds(held) => Some(held.token),
            Self::Waits(at) => Some(at.ticket),
            Self::Busy(_) | Self::OtherMaxHolders(_) | Self::Superseded | Self::Gone => None,
        }
    }
}

/// A place that holds the lock.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct HeldPlace {
    pub(super) token: u64,
    /// An operator's word to let go, if there is one.
    pub(super) mark: Option<Vec<u8>>,
    /// Which of N holders it is.
    pub(super) index: Option<u32>,
}

/// A place in the queue.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct QueuePlace {
    pub(super) ticket: u64,
    /// How many wait before it.
    pub(super) rank: u64,
    /// When its turn can come without a word; `None` if the holder's lock does not run out.
    pub(super) pause: Option<Duration>,
    /// How many hold the lock.
    pub(super) holders: u64,
    /// The first of them.
    pub(super) holder: LockHolder,
}

/// What is under the lock's key.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct LockHolder {
    /// Whether there is anything.
    pub(super) is_there: bool,
    /// The token and id, if it is a genlock's.
    pub(super) genlock: Option<(u64, String)>,
    pub(super) record: Option<Record>,
}

impl LockHolder {
    /// By the type of the key, its value, and the record.
    pub(super) fn read(kind: &Reply, value: &Reply, record: &Reply) -> Self {
        Self {
            is_there: kind.text() != b"none",
            genlock: owner(&value.words()),
            record: Record::from_json(record.text()),
        }
    }

    /// What stands for it in the store.
    pub(super) fn owner_key(&self, names: &LockNames) -> Option<String> {
        match &self.genlock {
            Some((_, id)) => Some(names.of_one(id)),
            None => self.is_there.then(|| names.key.clone()),
        }
    }
}

/// The token and the id in a value of a genlock's.
fn owner(value: &str) -> Option<(u64, String)> {
    let (token, id) = value.strip_prefix("genlock:")?.split_once(':')?;
    Some((token.parse().ok()?, id.to_owned()))
}

/// Takes, waits for or renews the lock for `id`.
pub(super) fn take(
    names: &LockNames,
    id: &str,
    asked: &PlaceRequest,
    entry: Entry,
) -> RedisCommand {
    let how = match entry {
        Entry::Try => "try",
        Entry::Wait => "wait",
        Entry::Stay => "stay",
    };
    let mode = match asked.mode {
        Mode::Exclusive => "x".to_owned(),
        Mode::Shared => "s".to_owned(),
        Mode::OneOf(holders) => holders.to_string(),
    };
    eval(&TAKE, names)
        .arg(id)
        .arg(asked.ttl.as_millis().to_string())
        .arg(how)
        .arg(&asked.record)
        .arg(mode)
        .arg(asked.queue.to_string())
}

/// What the answer to [`take`] says; `None` if it makes no sense.
pub(super) fn standing(answer: &Reply) -> Option<PlaceState> {
    let number = |reply: &Reply| reply.number().and_then(|n| u64::try_from(n).ok());
    let (word, rest) = answer.list().split_first()?;
    match (word.text(), rest) {
        (b"held", [token, mark, index]) => {
            let mark = mark.text().to_vec();
            Some(PlaceState::Holds(HeldPlace {
                token: number(token)?,
                mark: (!mark.is_empty()).then_some(mark),
                index: index_of(index),
            }))
        }
        (b"waiting", [ticket, rank, pause, kind, value, record, count]) => {
            Some(PlaceState::Waits(QueuePlace {
                ticket: number(ticket)?,
                rank: number(rank)?,
                // -1 is without an end, -2 that there is no key any more.
                pause: match pause.number()? {
                    -1 => None,
                    ms => Some(Duration::from_millis(ms.max(0) as u64)),
                },
                holders: number(count)?,
                holder: LockHolder::read(kind, value, record),
            }))
        }
        (b"busy", [kind, value, record]) => {
            Some(PlaceState::Busy(LockHolder::read(kind, value, record)))
        }
        (b"other", [holders]) => Some(PlaceState::OtherMaxHolders(index_of(holders)?)),
        (b"superseded", []) => Some(PlaceState::Superseded),
        (b"gone", []) => Some(PlaceState::Gone),
        _ => None,
    }
}

/// Which of N holders one is; of the others it is empty.
pub(super) fn index_of(reply: &Reply) -> Option<u32> {
    reply.number().and_then(|number| number.try_into().ok())
}

/// Releases the lock, or leaves its queue.
pub(super) fn leave(names: &LockNames, id: &str) -> RedisCommand {
    eval(&LEAVE, names).arg(id)
}

/// Asks for marks, or sets one: `how` is as the script has it.
pub(super) fn marks(names: &LockNames, how: &str, name: &str) -> RedisCommand {
    eval_beside(&MARKS, names, names.marks()).arg(how).arg(name)
}

/// Has the lock that `id` holds with this token stay held for so long, with nobody to renew it; which ends
/// at about `until`, in RFC 3339.
pub(super) fn outlive(
    names: &LockNames,
    (id, token): (&str, u64),
    rest: Duration,
    until: &str,
) -> RedisCommand {
    let evaluated = eval(&OUTLIVE, names).arg(id).arg(token.to_string());
    // Rounded up.
    evaluated.arg((rest.as_millis() + 1).to_string()).arg(until)
}

/// Has the lock that was left with this token stay held for so long, which ends at about `until`.
pub(super) fn extend(names: &LockNames, token: u64, rest: Duration, until: &str) -> RedisCommand {
    let evaluated = eval(&EXTEND, names).arg(token.to_string());
    evaluated.arg((rest.as_millis() + 1).to_string()).arg(until)
}

/// Takes the lock, or a place in its queue, away.
pub(super) fn take_away(names: &LockNames, token: u64, mark: &[u8], force: bool) -> RedisCommand {
    let force = if force { "1" } else { "0" };
    let evaluated = eval(&TAKE_AWAY, names);
    evaluated.arg(token.to_string()).arg(mark).arg(force)
}

/// Looks who holds and who waits.
pub(super) fn look(names: &LockNames, records: Records) -> RedisCommand {
    eval(&LOOK, names).arg(match records {
        Records::All => "all",
        Records::Holders => "holder",
    })
}

/// Keeps what the holder says of itself, with its TTL.
pub(super) fn stamp(
    names: &LockNames,
    (id, token): (&str, u64),
    ttl: Duration,
    record: &[u8],
) -> RedisCommand {
    let kept = [format!("{}|", ttl.as_millis()).as_bytes(), record].concat();
    let evaluated = eval(&STAMP, names).arg(id);
    evaluated.arg(token.to_string()).arg(kept)
}

/// Removes the waiters that are not heard of.
pub(super) fn clear(names: &LockNames) -> RedisCommand {
    eval(&CLEAR, names)
}

/// Tries all that a run needs, for `id`, which nobody has; what is refused, and why.
pub(super) fn rights(names: &LockNames, id: &str) -> RedisCommand {
    eval_beside(&RIGHTS, names, names.of_one(id))
}

fn eval(script: &str, names: &LockNames) -> RedisCommand {
    eval_with(script, &names.all())
}

/// With one key more.
fn eval_beside(script: &str, names: &LockNames, more: String) -> RedisCommand {
    let mut keys = names.all().to_vec();
    keys.push(more);
    eval_with(script, &keys)
}

fn eval_with(script: &str, keys: &[String]) -> RedisCommand {
    let command = RedisCommand::new(["EVAL", script, &keys.len().to_string()]);
    keys.iter().fold(command, RedisCommand::arg)
}

/// Asks to be told when the key changes that the next command reads.
pub(super) fn caching() -> RedisCommand {
    RedisCommand::new(["CLIENT", "CACHING", "YES"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Reply {
        Reply::Text(text.as_bytes().to_vec())
    }

    #[test]
    fn answers_are_read() {
        let all = |words: &[&str]| standing(&Reply::List(words.iter().map(|w| text(w)).collect()));
        let held = |index| HeldPlace {
            token: 17,
            mark: None,
            index,
        };
        for (index, read) in [("", None), ("0", Some(0))] {
            let holds = Some(PlaceState::Holds(held(read)));
            assert_eq!(all(&["held", "17", "", index]), holds);
        }
        assert_eq!(all(&["other", "3"]), Some(PlaceState::OtherMaxHolders(3)));
        assert_eq!(all(&["superseded"]), Some(PlaceState::Superseded));
        assert_eq!(all(&["gone"]), Some(PlaceState::Gone));
        let words = [
            "waiting",
            "17",
            "2",
            "-1",
            "string",
            "genlock:16:ab",
            "",
            "1",
        ];
        let place = all(&words);
        let Some(PlaceState::Waits(place)) = place else {
            panic!("{place:?}");
        };
        assert_eq!((place.ticket, place.rank, place.pause), (17, 2, None));
        assert_eq!(place.holder.genlock, Some((16, "ab".to_owned())));
        let busy = all(&["busy", "hash", "", ""]);
        let Some(PlaceState::Busy(holder)) = busy else {
            panic!("{busy:?}");
        };
        let names = LockNames::of("k");
        assert_eq!(holder.owner_key(&names), Some("k".to_owned()));
        assert_eq!(all(&["what"]), None);
    }
}
