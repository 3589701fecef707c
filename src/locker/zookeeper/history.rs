//! The last runs under a lock: below a node beside the lock's own, each in a node called by its token. No
//! key has a node of such a name.

use std::time::Duration;

use tokio::time::timeout;

use super::calls::{NodeKind, ZkCall, ZkFailure};
use super::{ZkShared, ZooKeeper, enter, node, value};
use crate::error::{Error, Result};
use crate::locker::fault::Fault;
use crate::locker::history::{MOST_KEPT, surplus};
use crate::locker::limits::check_key;
use crate::locker::{BoxFuture, History, PastRun};

/// Behind the name of a lock's node: a sign of escaping with no byte behind it, which keys do not have.
const SUFFIX: &str = "%history";

/// So many runs are read at once.
const AT_ONCE: usize = 64;

/// Whether a node of this name has runs.
pub(super) fn is_history(name: &str) -> bool {
    name.ends_with(SUFFIX)
}

/// The node of the runs of a key, below the chroot.
fn node_of(key: &str) -> String {
    node::of_key(key) + SUFFIX
}

/// A name for a token: with all digits that one can have.
fn name_of(token: u64) -> String {
    format!("{token:020}")
}

fn token_in(name: &str) -> Option<u64> {
    let token = name.parse().ok()?;
    (name_of(token) == name).then_some(token)
}

impl History for ZooKeeper {
    fn begin<'a>(&'a self, run: &'a PastRun, keep: u32) -> BoxFuture<'a, Result<Vec<u64>>> {
        Box::pin(async move {
            let begun = begin(&self.shared, run);
            let tokens = bounded(&self.shared, &run.report.key, begun).await?;
            Ok(surplus(tokens, keep))
        })
    }

    fn end<'a>(&'a self, run: &'a PastRun, surplus: &'a [u64]) -> BoxFuture<'a, Result<()>> {
        let ended = end(&self.shared, run, surplus);
        Box::pin(bounded(&self.shared, &run.report.key, ended))
    }

    fn history<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Vec<PastRun>>> {
        Box::pin(bounded(&self.shared, key, read(&self.shared, key)))
    }
}

/// Several requests within the time for one.
async fn bounded<T>(
    shared: &ZkShared,
    key: &str,
    asking: impl Future<Output = Result<T, Fault>>,
) -> Result<T> {
    check_key(key)?;
    let within: Duration = shared.ensemble.command_timeout;
    let answer = timeout(within, asking).await;
    let answer = answer.unwrap_or_else(|_| Err(Fault::silent(within)));
    answer.map_err(|fault| Error::from(fault).of_key(key))
}

/// Gives the tokens of all runs.
async fn begin(shared: &ZkShared, run: &PastRun) -> Result<Vec<u64>, Fault> {
    let parent = shared.ensemble.path(&node_of(&run.report.key));
    create(shared, run, &parent).await?;
    let answer = shared.looking.call(ZkCall::get_children(&parent)).await?;
    let names = value::children(&answer.body).ok_or_else(ZkFailure::strange)?;
    Ok(names.iter().filter_map(|name| token_in(name)).collect())
}

/// Makes the node of a run, unless it is there.
async fn create(shared: &ZkShared, run: &PastRun, parent: &str) -> Result<(), Fault> {
    let own = format!("{parent}/{}", name_of(run.token()));
    let access = shared.ensemble.access();
    let create = || ZkCall::create(&own, &run.to_json(), NodeKind::Persistent, access);
    let created = match shared.looking.call(create()).await {
        Err(ZkFailure::NoNode) => {
            let (session, node) = (shared.looking.session(), node_of(&run.report.key));
            enter::make(&shared.ensemble, &session, &node).await?;
            shared.looking.call(create()).await
        }
        created => created,
    };
    match created {
        Ok(_) | Err(ZkFailure::NodeExists) => Ok(()),
        Err(failure) => Err(failure.into()),
    }
}

/// All of it leaves at once, but where the beginning was not written.
async fn end(shared: &ZkShared, run: &PastRun, surplus: &[u64]) -> Result<(), Fault> {
    let parent = shared.ensemble.path(&node_of(&run.report.key));
    let path = |token| format!("{parent}/{}", name_of(token));
    let (session, own) = (shared.looking.session(), path(run.token()));
    let writing = session.submit(ZkCall::set_data(&own, &run.to_json(), -1));
    let older = surplus.iter().filter(|&&token| token < run.token());
    let deletes = older.map(|&token| session.submit(ZkCall::delete(&path(token), -1)));
    let deletes: Vec<_> = deletes.collect();
    match writing.answer().await {
        Ok(_) => {}
        Err(ZkFailure::NoNode) => create(shared, run, &parent).await?,
        Err(failure) => return Err(failure.into()),
    }
    for delete in deletes {
        match delete.answer().await {
            Ok(_) | Err(ZkFailure::NoNode) => {}
            Err(failure) => return Err(failure.into()),
        }
    }
    Ok(())
}

async fn read(shared: &ZkShared, key: &str) -> Result<Vec<PastRun>, Fault> {
    let parent = shared.ensemble.path(&node_of(key));
    let answer = match shared.looking.call(ZkCall::get_children(&parent)).await {
        Err(ZkFailure::NoNode) => return Ok(Vec::new()),
        answer => answer?,
    };
    let names = value::children(&answer.body).ok_or_else(ZkFailure::strange)?;
    let mut tokens: Vec<_> = names.iter().filter_map(|name| token_in(name)).collect();
    tokens.sort_unstable();
    tokens.drain(..tokens.len().saturating_sub(MOST_KEPT as usize));
    let session = shared.looking.session();
    let mut runs = Vec::new();
    for part in tokens.chunks(AT_ONCE) {
        let asked = part.iter().map(|&token| {
            let path = format!("{parent}/{}", name_of(token));
            session.submit(ZkCall::get_data(&path))
        });
        for asked in asked.collect::<Vec<_>>() {
            match asked.answer().await {
                Ok(answer) => {
                    let (data, _) = value::data(&answer.body).ok_or_else(ZkFailure::strange)?;
                    runs.extend(PastRun::from_json(&data));
                }
                // Removed meanwhile.
                Err(ZkFailure::NoNode) => {}
                Err(failure) => return Err(failure.into()),
            }
        }
    }
    Ok(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_no_keys() {
        let node = node_of("/locks/backup");
        assert_eq!(node, "/locks/backup%history");
        assert_eq!(node::key(&node), None);
        assert!(is_history(&node) && !is_history(&node::of_key("/a%history")));
        assert_eq!(token_in(&name_of(7)), Some(7));
        assert_eq!(token_in("7"), None);
        assert_eq!(super::super::names::number(&name_of(7)), None);
    }
}
