//! When a lease's turn has come: from then on it is that of a held lock.

use super::lease::Renewal;
use super::{Granted, Lease, LeaseCalls};
use crate::clock::{self, Instant};
use crate::locker::deadline;
use crate::loss::Loss;

impl<C: LeaseCalls> Lease<C> {
    /// Ends when enough is left of the lease's time to start something under it; if too little is, the
    /// lease is renewed first. If it `waited` for its turn it has its full TTL from then on, even if the
    /// client does not renew locks ([`Options::auto_renew`](crate::Options::auto_renew)): until its turn
    /// every lease is renewed. Cancel-safe.
    ///
    /// # Errors
    /// If the lease is lost; with [`Loss::Expired`] also if each renewal is answered too late.
    pub async fn until_fresh(&self, granted: &Granted, waited: bool) -> Result<(), Loss> {
        let Granted { ttl, owner } = granted;
        let mut ownership = owner.ownership();
        let before = ownership.deadline();
        let options = &self.keeper.options;
        let needed = deadline::start_needs(*ttl, options.grace, options.auto_renew);
        let fresh = |at| deadline::is_fresh(at, *ttl) && at.left() > needed;
        let fresh = before.is_some_and(fresh);
        if !options.auto_renew {
            // Up to now it was renewed whenever that was due.
            self.set_renewal(if fresh && !waited {
                Renewal::Never
            } else {
                Renewal::Once(Instant::now())
            });
        }
        if !fresh {
            let suffices = |at: Instant| Some(at) > before && at.left() > needed;
            let renewed = async {
                while !ownership.deadline().is_some_and(suffices) {
                    ownership.changed().await;
                }
            };
            // If every renewal is answered too late for a start, the deadline moves on without end.
            let end = Instant::now() + *ttl;
            let mut lost = owner.ownership();
            tokio::select! {
                loss = lost.lost() => return Err(loss),
                () = renewed => {}
                () = clock::sleep_until(end) => return Err(Loss::Expired),
            }
        }
        owner.ownership().loss().map_or(Ok(()), Err)
    }
}
