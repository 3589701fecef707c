//! A lock that is held by a tool without a queue, as zk-flock is one: the lock's node is its holder's own.
//! It ends with a session, so nothing can be below it.

use tokio::time::{sleep, timeout};

use super::calls::{ZkCall, ZkFailure};
use super::found::FoundNode;
use super::wait::SOON;
use super::{ZkShared, node};
use crate::events::EventKind;
use crate::locker::fault::Fault;

/// Waits until nobody holds the lock of `key` in this way any more.
///
/// # Errors
/// When ZooKeeper refuses. One that is away is waited for.
pub(super) async fn until_gone(shared: &ZkShared, key: &str) -> Result<(), Fault> {
    let lock = shared.ensemble.path(&node::of_key(key));
    let mut is_told = false;
    loop {
        let answer = match shared.looking.call(ZkCall::watch_data(&lock)).await {
            Ok(answer) => answer,
            Err(ZkFailure::NoNode) => return Ok(()),
            Err(ZkFailure::Other(Fault::Broken(reason))) => {
                let what = EventKind::Retrying(reason.to_string());
                shared.options.notify(Some(key), what);
                sleep(shared.options.retry_interval).await;
                continue;
            }
            Err(failure) => return Err(failure.into()),
        };
        let found = FoundNode::read(&shared.ensemble, &lock, &answer.body)?;
        let Some(found) = found.filter(FoundNode::ends_with_a_session) else {
            return Ok(());
        };
        let mut news = answer.news.ok_or_else(ZkFailure::strange)?;
        if !is_told {
            if timeout(SOON, &mut news).await.is_ok() {
                continue;
            }
            let what = EventKind::Waiting {
                owner_key: Some(found.contender.owner_key),
                holder: found.contender.record,
                ahead: None,
                token: None,
            };
            shared.options.notify(Some(key), what);
            is_told = true;
        }
        // It also ends when the connection breaks: the news may have been lost with it.
        let _ = news.await;
    }
}
