//! The last runs under a lock.

use super::Redis;
use crate::locker::History;

impl History for Redis {}
