//! The last runs under a lock.

use super::ZooKeeper;
use crate::locker::History;

impl History for ZooKeeper {}
