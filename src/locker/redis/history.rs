//! The last runs under a lock: a sorted set by token, beside the lock's other keys. It runs out when there
//! was no run for long, as nobody else removes it.

use std::time::Duration;

use super::Redis;
use super::names::LockNames;
use super::reply::{RedisCommand, Reply};
use crate::error::{Error, Result};
use crate::locker::history::MOST_KEPT;
use crate::locker::limits::check_key;
use crate::locker::{BoxFuture, History, PastRun};

const BEGIN: &str = include_str!("scripts/begin_run.lua");
const END: &str = include_str!("scripts/end_run.lua");

/// How long it is kept after the last run.
const KEPT: Duration = Duration::from_secs(90 * 24 * 3600);

/// A script over the runs of a key, with one of them.
fn eval(script: &str, run: &PastRun) -> RedisCommand {
    let runs = LockNames::of(&run.report.key).history();
    let command = RedisCommand::new(["EVAL", script, "1"]).arg(runs);
    command.arg(run.token().to_string()).arg(run.to_json())
}

impl Redis {
    /// The answer to one command about the runs of this key.
    async fn of_runs(&self, key: &str, command: RedisCommand) -> Result<Reply> {
        check_key(key)?;
        let answer = self.shared.store.one(key, command).await;
        answer.map_err(|fault| Error::from(fault).of_key(key))
    }
}

impl History for Redis {
    fn begin<'a>(&'a self, run: &'a PastRun, keep: u32) -> BoxFuture<'a, Result<Vec<u64>>> {
        Box::pin(async move {
            let kept = KEPT.as_millis().to_string();
            let command = eval(BEGIN, run).arg(keep.to_string()).arg(kept);
            let answer = self.of_runs(&run.report.key, command).await?;
            let tokens = answer.list().iter().filter_map(Reply::number);
            Ok(tokens.filter_map(|token| token.try_into().ok()).collect())
        })
    }

    fn end<'a>(&'a self, run: &'a PastRun, surplus: &'a [u64]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let older = surplus.iter().filter(|&&token| token < run.token());
            let last = older.max().map_or(String::new(), u64::to_string);
            let kept = KEPT.as_millis().to_string();
            let command = eval(END, run).arg(last).arg(kept);
            self.of_runs(&run.report.key, command).await.map(drop)
        })
    }

    fn history<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Vec<PastRun>>> {
        Box::pin(async move {
            let runs = LockNames::of(key).history();
            let first = format!("-{MOST_KEPT}");
            let command = RedisCommand::new(["ZRANGE"]).arg(runs).arg(first).arg("-1");
            let answer = self.of_runs(key, command).await?;
            let runs = answer.list().iter();
            Ok(runs
                .filter_map(|run| PastRun::from_json(run.text()))
                .collect())
        })
    }
}
