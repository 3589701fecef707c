//! Whether the servers of a store go on to keep one state. Once they do not, no lock over them is judged any more.

use std::fmt;
use std::time::Duration;

use serde_json::json;

use super::Target;
use super::history::History;
use crate::sections::now;

/// How often it is looked at.
const EVERY: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Agreement {
    count: usize,
    /// When it was looked at last, and when they agreed last.
    looked: Option<Duration>,
    agreed: Duration,
}

impl Agreement {
    /// Looks at it, if it is time.
    pub(super) fn at_times<T: Target>(
        &mut self,
        target: &mut T,
        history: &History,
    ) -> Result<(), String> {
        let is_time = self.looked.is_none_or(|looked| now() - looked > EVERY);
        if is_time {
            self.now(target, history)?;
        }
        Ok(())
    }

    /// Looks at it. Or says how they differ.
    pub(super) fn now<T: Target>(
        &mut self,
        target: &mut T,
        history: &History,
    ) -> Result<(), String> {
        let start = now();
        self.looked = Some(start);
        match target.agree() {
            Ok(None) => Ok(()),
            Ok(Some(revision)) => {
                self.count += 1;
                self.agreed = start;
                let agreed = json!({ "revision": revision });
                history.note("nemesis", "agreed", None, &agreed);
                Ok(())
            }
            Err(how) => {
                let agreed = self.agreed.as_secs_f64();
                let differ = json!({ "how": how, "agreed_seconds": agreed });
                history.note("nemesis", "disagreed", None, &differ);
                let before = match self.count {
                    0 => "they never agreed, and no lock is judged".to_owned(),
                    _ => format!(
                        "they agreed {:.0?} before, and the locks are judged until then",
                        start - self.agreed
                    ),
                };
                Err(format!("{how}; {before}"))
            }
        }
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            0 => f.write_str("servers not compared"),
            count => write!(f, "servers agreed {count} ×"),
        }
    }
}
