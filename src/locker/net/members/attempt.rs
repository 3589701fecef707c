//! What is asked of one member.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::{Connection, Dialler, Fault, MemberCall, Members};

/// How often a call logs in at most: meanwhile users may be switched on or off again.
const LOGINS: u32 = 3;

impl<D: Dialler> Members<D> {
    /// One attempt at one member: dialling, if need be, and the answer. If nothing at all is heard
    /// for `silence` another connection is dialled beside the first: TCP takes long to find out that a
    /// network was cut and is back. The first answer counts.
    pub(super) async fn attempt<T>(
        self: Arc<Self>,
        index: usize,
        silence: Duration,
        op: MemberCall<D, T>,
    ) -> Result<T, Fault> {
        let liveness = &self.members[index].liveness;
        let count = liveness.count();
        let mut dialling = pin!(self.connection(index));
        let connection = match timeout(self.dial_timeout, &mut dialling).await {
            Ok(connection) => connection?,
            // The call's own bound ends it.
            Err(_) if liveness.beats_since(count) => dialling.await?,
            Err(_) => return Err(Fault::silent(self.dial_timeout)),
        };
        let count = liveness.count();
        let mut first = pin!(self.run(index, connection.clone(), &op));
        match timeout(silence.min(self.dial_timeout), &mut first).await {
            Ok(answer) => return answer,
            Err(_) if liveness.beats_since(count) => return first.await,
            Err(_) => {}
        }
        let mut second = Box::pin(async {
            let beside = self.connection_beside(index, &connection).await?;
            self.run(index, beside, &op).await
        });
        tokio::select! {
            answer = &mut first => match answer {
                Err(Fault::Broken(_)) => second.await,
                answer => answer,
            },
            answer = &mut second => match answer {
                // The second connection failed: the first may answer yet.
                Err(fault @ Fault::Broken(_)) => {
                    timeout(silence, first).await.unwrap_or(Err(fault))
                }
                answer => answer,
            },
        }
    }

    /// Runs it over this connection. If its login is no longer valid it is run over a fresh one, which
    /// logs in anew, or not at all if the store has switched users off.
    async fn run<T>(
        &self,
        index: usize,
        over: Connection<D::Client>,
        op: &MemberCall<D, T>,
    ) -> Result<T, Fault> {
        let mut connection = over;
        for _ in 1..LOGINS {
            match connection.clone().run(&self.dialler, &**op).await {
                Err(Fault::StaleLogin(_)) => {
                    connection = self.connection_beside(index, &connection).await?;
                }
                result => return result,
            }
        }
        connection.run(&self.dialler, &**op).await
    }

    async fn connection(&self, index: usize) -> Result<Connection<D::Client>, Fault> {
        let member = &self.members[index];
        let mut connection = member.connection.lock().await;
        if let Some(connection) = &*connection {
            return Ok(connection.clone());
        }
        let dialled = self
            .dialler
            .dial(&member.endpoint, &member.liveness)
            .await?;
        Ok(connection.insert(dialled).clone())
    }

    /// A connection in place of one that is silent or whose login is stale. Others use that one until
    /// this one is there.
    async fn connection_beside(
        &self,
        index: usize,
        before: &Connection<D::Client>,
    ) -> Result<Connection<D::Client>, Fault> {
        let member = &self.members[index];
        let _one_at_a_time = member.dialling_beside.lock().await;
        if let Some(connection) = &*member.connection.lock().await
            && !connection.is(before)
        {
            return Ok(connection.clone());
        }
        let dialled = self
            .dialler
            .dial(&member.endpoint, &member.liveness)
            .await?;
        *member.connection.lock().await = Some(dialled.clone());
        self.note_move(index);
        Ok(dialled)
    }
}
