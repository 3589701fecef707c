//! What is known of a Cluster, and whom to ask by that.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::dial::RedisMembers;
use super::slot::KeySlot;

/// What is known of a Cluster; nothing, if it is none.
pub(super) struct ClusterMap {
    /// What was named.
    named: Arc<RedisMembers>,
    /// Its servers, by their endpoints.
    pub(super) nodes: HashMap<String, Arc<RedisMembers>>,
    /// Which of them keeps a slot, as far as anybody asked.
    pub(super) slots: HashMap<KeySlot, String>,
    /// Whether they were asked for.
    pub(super) asked: bool,
}

impl ClusterMap {
    pub(super) fn new(named: Arc<RedisMembers>) -> Self {
        Self {
            named,
            nodes: HashMap::new(),
            slots: HashMap::new(),
            asked: false,
        }
    }

    /// Whom to ask for a slot: who keeps it, as far as we know, then what was named, then all others.
    pub(super) fn candidates(&self, slot: KeySlot) -> VecDeque<Arc<RedisMembers>> {
        let all = [self.first(slot), &self.named];
        let mut candidates: VecDeque<Arc<RedisMembers>> = VecDeque::new();
        for one in all.into_iter().chain(self.nodes.values()) {
            if !candidates.iter().any(|known| Arc::ptr_eq(known, one)) {
                candidates.push_back(one.clone());
            }
        }
        candidates
    }

    fn first(&self, slot: KeySlot) -> &Arc<RedisMembers> {
        let keeps = self.slots.get(&slot);
        let keeps = keeps.and_then(|address| self.nodes.get(address));
        keeps.unwrap_or(&self.named)
    }

    /// This one has answered for the slot.
    pub(super) fn found(&mut self, slot: KeySlot, node: &Arc<RedisMembers>) {
        let mut nodes = self.nodes.iter();
        let known = nodes.find(|(_, known)| Arc::ptr_eq(known, node));
        match known.map(|(address, _)| address.clone()) {
            Some(address) => self.slots.insert(slot, address),
            None => self.slots.remove(&slot),
        };
    }

    /// This one has failed: the next time another is asked first, which knows who took its place.
    pub(super) fn turn_from(&mut self, slot: KeySlot, node: &Arc<RedisMembers>) {
        if !Arc::ptr_eq(self.first(slot), node) {
            return;
        }
        self.slots.remove(&slot);
        if Arc::ptr_eq(&self.named, node) {
            let mut nodes = self.nodes.iter();
            let other = nodes.find(|(_, other)| !Arc::ptr_eq(other, node));
            let other = other.map(|(address, _)| (slot, address.clone()));
            self.slots.extend(other);
        }
    }
}
