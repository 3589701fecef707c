//! Releases of etcd that are known not to keep what a lock stands on.

use super::super::diagnosis::Status;
use crate::locker::examination::Finding;

/// A warning about a member of 3.5.0 to 3.5.2: killed at the wrong moment it may have applied less than its
/// peers, and never makes up for it (etcd-io/etcd#13766), so that two of them name two holders.
pub(super) fn of_release(name: &str, status: &Status) -> Option<Finding> {
    let is_bad = matches!(&*status.version, "3.5.0" | "3.5.1" | "3.5.2");
    is_bad.then(|| {
        let text = format!(
            "{name}: after a crash an etcd {} may disagree with its peers for good (etcd-io/etcd#13766)",
            status.version
        );
        Finding::warning("endpoint", text, "upgrade it to 3.5.3 or newer")
    })
}
