//! What an operator asks when locks do not work: what the server is, how it keeps its data, and what we
//! may do. Nothing of it stays there.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::connection::{Hello, RedisClient};
use super::fault;
use super::names::LockNames;
use super::nodes::RedisNodes;
use super::reply::{RedisCommand, Reply};
use super::request_error::RequestError;
use super::scripts::{self, Records};
use crate::clock::Instant;
use crate::error::{Error, Result};
use crate::locker::fault::Fault;

/// How often it is asked for the time that an answer takes.
const ASKS: usize = 5;

/// A server, as it is found.
pub(super) struct RedisDiagnosis {
    pub(super) hello: Hello,
    pub(super) info: Info,
    /// How long each answer took.
    pub(super) answers: Vec<Duration>,
    /// How far its clock is from ours, at least.
    pub(super) clock_off: Duration,
    pub(super) read: Result<()>,
    pub(super) write: Result<()>,
    pub(super) hear: Result<()>,
}

/// What it says of itself; nothing of it may be known.
#[derive(Debug, Default)]
pub(super) struct Info {
    /// Whether each write is kept in a file.
    pub(super) keeps_writes: Option<bool>,
    /// What it does when its memory is full, where that has a bound.
    pub(super) evicts: Option<String>,
    pub(super) replicas: u32,
    /// Whether it writes only while replicas follow.
    pub(super) needs_replicas: bool,
}

impl Info {
    fn read(text: &str) -> Self {
        let named = |name: &str| {
            let mut lines = text.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        };
        let bounded = named("maxmemory").is_some_and(|bound| bound != "0");
        let policy = named("maxmemory_policy").filter(|&policy| policy != "noeviction");
        Self {
            keeps_writes: named("aof_enabled").map(|enabled| enabled == "1"),
            evicts: policy.filter(|_| bounded).map(str::to_owned),
            replicas: named("connected_slaves").map_or(0, |count| count.parse().unwrap_or(0)),
            needs_replicas: named("min_slaves_good_slaves").is_some(),
        }
    }
}

/// Asks the server, and what we may do with the lock of `key`.
pub(super) async fn diagnose(store: &Arc<RedisNodes>, key: &str) -> Result<RedisDiagnosis, Fault> {
    let names = LockNames::of(key);
    let within = store.command_timeout;
    // Nobody has this.
    let id = "0";
    let commands = vec![
        RedisCommand::new(["INFO"]),
        scripts::look(&names, Records::Holders),
        scripts::rights(&names, id),
        RedisCommand::new(["ZCARD", &names.queue()]),
        scripts::caching(),
        RedisCommand::new(["SUBSCRIBE", &names.of_one(id)]),
        RedisCommand::new(["UNSUBSCRIBE", &names.of_one(id)]),
        RedisCommand::new(["TIME"]),
    ];
    let ask = move |client: Arc<RedisClient>| {
        let commands = commands.clone();
        async move {
            let before = since_epoch();
            let answers = client.ask_each(&commands).await?;
            let hello = client.hello().cloned();
            let gone = || RequestError::Stranger("it says nothing of itself".to_owned());
            Ok((before, since_epoch(), answers, hello.ok_or_else(gone)?))
        }
    };
    let (before, after, said, hello) = store.call(key, within, ask).await?;
    let [
        info,
        look,
        rights,
        count,
        caching,
        subscribe,
        unsubscribe,
        time,
    ] = &said[..]
    else {
        return Err(Fault::misfit("it answers less than it was asked"));
    };
    let there = micros(time).unwrap_or(before);
    // Now it is known which server of a Cluster keeps the key.
    let answers = answer_times(store, key).await?;
    Ok(RedisDiagnosis {
        hello,
        info: Info::read(&info.words()),
        answers,
        clock_off: before
            .saturating_sub(there)
            .max(there.saturating_sub(after)),
        read: may(look),
        write: may(rights).and(may_all(rights)).and(may(count)),
        hear: may(subscribe)
            .and(may(unsubscribe))
            .and(may_be_told(caching)),
    })
}

/// How long some answers take.
async fn answer_times(store: &Arc<RedisNodes>, key: &str) -> Result<Vec<Duration>, Fault> {
    let mut answers = Vec::new();
    for _ in 0..ASKS {
        let read = |client: Arc<RedisClient>| async move {
            let asked = Instant::now();
            client.ask_each(&[RedisCommand::new(["PING"])]).await?;
            Ok(Instant::now().since(asked))
        };
        answers.push(store.call(key, store.command_timeout, read).await?);
    }
    Ok(answers)
}

/// Whether this was done; why not.
fn may(answer: &Reply) -> Result<()> {
    match answer {
        Reply::Error(text) => Err(Error::from(fault::judge(RequestError::Answered(
            text.clone(),
        )))),
        _ => Ok(()),
    }
}

/// Whether nothing of it was refused: pairs of a command and why.
fn may_all(refused: &Reply) -> Result<()> {
    let [first, ..] = refused.list() else {
        return Ok(());
    };
    let commands = refused.list().iter().filter_map(|pair| pair.list().first());
    let commands: Vec<_> = commands.map(Reply::words).collect();
    let why = first.list().get(1).map(Reply::words).unwrap_or_default();
    let (_, why) = why.split_once(' ').unwrap_or(("", &why));
    let text = format!("NOPERM {}: {why}", commands.join(" "));
    Err(Error::from(fault::judge(RequestError::Answered(text))))
}

/// Whether the wish to be told of a key may be said. It is an error of another kind where the server
/// tells of none, which is a warning of its own.
fn may_be_told(caching: &Reply) -> Result<()> {
    match caching {
        Reply::Error(text) if text.starts_with("NOPERM") => may(caching),
        _ => Ok(()),
    }
}

fn since_epoch() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// What TIME says: seconds and microseconds.
fn micros(time: &Reply) -> Option<Duration> {
    let [seconds, micros] = time.list() else {
        return None;
    };
    let number = |reply: &Reply| reply.number().and_then(|number| u64::try_from(number).ok());
    Some(Duration::from_secs(number(seconds)?) + Duration::from_micros(number(micros)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_says_of_itself_is_read() {
        let info = Info::read(
            "# Memory\r\nmaxmemory:100\r\nmaxmemory_policy:allkeys-lru\r\n\
             # Persistence\r\naof_enabled:1\r\n# Replication\r\nconnected_slaves:2\r\n",
        );
        assert_eq!(info.keeps_writes, Some(true));
        assert_eq!(info.evicts.as_deref(), Some("allkeys-lru"));
        assert!((info.replicas, info.needs_replicas) == (2, false));
        let info = Info::read("maxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n");
        assert_eq!((info.evicts, info.keeps_writes), (None, None));
    }
}
