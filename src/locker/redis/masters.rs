//! Which servers a Cluster has.

use std::sync::Arc;

use super::connection::RedisClient;
use super::dial::RedisMembers;
use super::fault;
use super::nodes::RedisNodes;
use super::reply::{RedisCommand, Reply};
use super::request_error::RequestError;
use super::slot::KeySlot;
use crate::locker::fault::Fault;

impl RedisNodes {
    /// Learns the other servers in the background: one of them is asked when those that we know are gone.
    pub(super) fn ask_for_others(self: &Arc<Self>) {
        if !std::mem::replace(&mut self.cluster().asked, true) {
            let nodes = self.clone();
            tokio::spawn(async move {
                // Who may not ask knows those only that it was told of; after a broken connection it is
                // tried again.
                if let Err(Fault::Broken(_)) = nodes.masters().await {
                    nodes.cluster().asked = false;
                }
            });
        }
    }

    /// The servers that keep keys.
    pub(super) async fn masters(self: &Arc<Self>) -> Result<Vec<Arc<RedisMembers>>, Fault> {
        let op = |client: Arc<RedisClient>| async move {
            let answers = client
                .ask_each(&[RedisCommand::new(["CLUSTER", "SLOTS"])])
                .await?;
            Ok((client.is_clustered(), answers))
        };
        let mut failed = None;
        let any = self.cluster().candidates(KeySlot::of(""));
        for node in any {
            match node.call(self.command_timeout, op).await {
                Ok((false, _)) => return Ok(vec![self.named.clone()]),
                Ok((true, answers)) => return self.masters_of(&answers),
                Err(fault @ Fault::Broken(_)) => failed = failed.or(Some(fault)),
                Err(fault) => return Err(fault),
            }
        }
        Err(failed.unwrap_or_else(|| Fault::silent(self.command_timeout)))
    }

    /// What CLUSTER SLOTS answers: ranges of slots, each with its master, and the master's replicas.
    pub(super) fn masters_of(&self, answers: &[Reply]) -> Result<Vec<Arc<RedisMembers>>, Fault> {
        let mut masters: Vec<Arc<RedisMembers>> = Vec::new();
        for answer in answers {
            if let Reply::Error(text) = answer {
                return Err(fault::judge(RequestError::Answered(text.clone())));
            }
            for range in answer.list() {
                let servers = range.list().get(2..).unwrap_or_default();
                for (at, server) in servers.iter().enumerate() {
                    let [host, port, ..] = server.list() else {
                        continue;
                    };
                    let Some(port) = port.number().and_then(|port| u16::try_from(port).ok()) else {
                        continue;
                    };
                    let node = self.node(&self.endpoint(&host.words(), port))?;
                    if at == 0 && !masters.iter().any(|known| Arc::ptr_eq(known, &node)) {
                        masters.push(node);
                    }
                }
            }
        }
        Ok(masters)
    }
}
