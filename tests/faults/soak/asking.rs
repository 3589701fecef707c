//! What a run asks for: which locks, shared with whom, for how long, and how patiently.

use std::time::Duration;

use serde_json::{Value, json};

use super::random::Random;

/// How many may hold at a time, of those who are one of several.
pub(super) const HOLDERS: u32 = 2;

/// With whom a run holds the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sharing {
    Alone,
    /// With others that only read.
    Reads,
    /// With others up to [`HOLDERS`].
    OneOfSeveral,
}

/// What the locks of a store can do, of what the workers ask for.
pub(super) struct Able {
    pub(super) sharing: &'static [Sharing],
    /// Several keys at once.
    pub(super) several: bool,
    /// A newer waiter that sends older ones away.
    pub(super) latest: bool,
    /// First come, first served.
    pub(super) in_order: bool,
    /// How long what stands for a client of this TTL may be there when it is not heard of any more.
    pub(super) lasts: fn(Duration) -> Duration,
    /// Whether a server that is back, or another that leads, begins to count that anew.
    pub(super) counts_anew: bool,
}

/// What one run asks for.
pub(super) struct Asking {
    pub(super) keys: Vec<String>,
    pub(super) sharing: Sharing,
    latest: bool,
    ttl: Duration,
    /// How long it waits at most; not at all if that is zero.
    wait: Option<Duration>,
}

impl Sharing {
    pub(super) const ALL: [Self; 3] = [Self::Alone, Self::Reads, Self::OneOfSeveral];

    /// As a contender's mode is called in JSON.
    fn name(self) -> &'static str {
        match self {
            Self::Alone => "exclusive",
            Self::Reads => "shared",
            Self::OneOfSeveral => "one-of",
        }
    }

    pub(super) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sharing| sharing.name() == name)
    }

    fn options(self) -> Vec<String> {
        match self {
            Self::Alone => vec![],
            Self::Reads => vec!["--shared".to_owned()],
            Self::OneOfSeveral => vec!["--max-holders".to_owned(), HOLDERS.to_string()],
        }
    }
}

impl Asking {
    /// What a client of this TTL wants of this key, and perhaps of another one.
    pub(super) fn any(
        key: &str,
        others: &[String],
        ttl: Duration,
        able: &Able,
        random: &mut Random,
    ) -> Self {
        let mut keys = vec![key.to_owned()];
        let others: Vec<_> = others.iter().filter(|&other| other != key).collect();
        if able.several && !others.is_empty() && random.below(8) == 0 {
            keys.push(others[random.below(others.len())].clone());
        }
        let wait = match random.below(12) {
            0 => Some(Duration::ZERO),
            1 => Some(random.time(200, 4000)),
            _ => None,
        };
        Self {
            keys,
            sharing: able.sharing[random.below(able.sharing.len())],
            latest: able.latest && wait != Some(Duration::ZERO) && random.below(6) == 0,
            ttl,
            wait,
        }
    }

    /// A client of this TTL that wants this key alone, and waits for it.
    pub(super) fn alone(key: &str, ttl: Duration) -> Self {
        Self {
            keys: vec![key.to_owned()],
            sharing: Sharing::Alone,
            latest: false,
            ttl,
            wait: None,
        }
    }

    /// The options and keys, as `genlock run` takes them.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = self.sharing.options();
        words.extend(["--ttl".to_owned(), format!("{}s", self.ttl.as_secs())]);
        match self.wait {
            Some(Duration::ZERO) => words.push("--try".to_owned()),
            Some(wait) => words.extend(["--wait".to_owned(), format!("{}ms", wait.as_millis())]),
            None => {}
        }
        if self.latest {
            words.extend(["--queue", "latest"].map(str::to_owned));
        }
        for also in &self.keys[1..] {
            words.extend(["--also".to_owned(), also.clone()]);
        }
        words.push(self.keys[0].clone());
        words
    }

    /// The same for the history.
    pub(super) fn noted(&self) -> Value {
        json!({
            "keys": self.keys,
            "mode": self.sharing.name(),
            "latest": self.latest,
            "ttl_seconds": self.ttl.as_secs_f64(),
            "wait_seconds": self.wait.map(|wait| wait.as_secs_f64()),
        })
    }
}
