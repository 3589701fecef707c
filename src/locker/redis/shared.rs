//! What a client and the tasks of its places have in common.

use std::sync::Arc;

use super::nodes::RedisNodes;
use super::sentinel::RedisSite;
use crate::locker::Config;
use crate::locker::keeper::Keeper;
use crate::locker::{Claims, Options};

/// What one client has.
pub(super) struct RedisShared {
    pub(super) store: Arc<RedisNodes>,
    pub(super) options: Options,
    pub(super) claims: Claims,
    pub(super) keeper: Arc<Keeper>,
    /// As it was given, for connections of another kind.
    pub(super) config: Config,
    pub(super) site: RedisSite,
}
