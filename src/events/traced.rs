//! Events for `tracing`.

use tracing::{Level, event};

use super::{Event, EventKind};

/// Hands an event to the subscriber of the present thread: at the level `INFO`, trouble at
/// `WARN`, a loss at `ERROR`, renewals and who is ahead at `DEBUG`. For
/// [`Options::with_observer`](crate::Options::with_observer).
///
/// ```
/// let options = genlock::Options::default().with_observer(genlock::trace);
/// ```
pub fn trace(observed: &Event) {
    let (event, key) = (observed.what.name(), observed.key.as_deref());
    let boottime_seconds = observed.boot.since_boot().as_secs_f64();
    macro_rules! hand_over {
        ($level:ident $(, $($field:tt)+)?) => {
            event!(target: "genlock", Level::$level, event, key, boottime_seconds $(, $($field)+)?)
        };
    }
    match &observed.what {
        EventKind::Waiting {
            owner_key, ahead, ..
        } => hand_over!(DEBUG, owner_key = owner_key.as_deref(), ahead),
        EventKind::OtherTtl { asked, granted } => hand_over!(
            DEBUG,
            asked_seconds = asked.as_secs_f64(),
            granted_seconds = granted.as_secs_f64()
        ),
        EventKind::Granted { token, .. } => hand_over!(INFO, token),
        EventKind::Renewed(deadline) => {
            hand_over!(DEBUG, left_seconds = deadline.left().as_secs_f64())
        }
        EventKind::PlaceLost(loss) => hand_over!(WARN, why = %loss),
        EventKind::Retrying(why) => hand_over!(WARN, why = why.as_str()),
        EventKind::Beneath(text) => hand_over!(DEBUG, beneath = ?text),
        EventKind::Limited(what) => hand_over!(WARN, what = ?what),
        EventKind::TakenAway(by) => hand_over!(WARN, user = ?by.user, host = ?by.host),
        EventKind::Lost(loss) => hand_over!(ERROR, why = %loss),
        EventKind::Skipped(why) => hand_over!(INFO, why = ?why),
        EventKind::Stopping(why) => hand_over!(WARN, why = ?why),
        EventKind::Ended(status) => hand_over!(INFO, wait_status = status),
        EventKind::Released => hand_over!(INFO),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;
    use std::sync::{Arc, Mutex};

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Metadata, Subscriber};

    use super::*;
    use crate::events::Observer;
    use crate::loss::Loss;

    /// Writes down what it is handed.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<String>>>);

    struct Fields(String);

    impl Visit for Fields {
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            if field.name() != "boottime_seconds" {
                self.0 += &format!(" {field}={value:?}");
            }
        }
    }

    impl Subscriber for Lines {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, event: &tracing::Event<'_>) {
            let metadata = event.metadata();
            let mut fields = Fields(format!("{} {}", metadata.level(), metadata.target()));
            event.record(&mut fields);
            self.0.lock().expect("no panic").push(fields.0);
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn events_reach_a_subscriber() {
        let lines = Lines::default();
        tracing::subscriber::with_default(lines.clone(), || {
            let observer = Observer::new(trace);
            let granted = EventKind::Granted {
                token: 7,
                index: None,
                deadline: None,
            };
            observer.tell(Some("/k"), granted);
            observer.tell(None, EventKind::Retrying("no answer".to_owned()));
            observer.tell(Some("/k"), EventKind::Lost(Loss::Expired));
        });
        assert_eq!(
            *lines.0.lock().expect("no panic"),
            [
                r#"INFO genlock event="granted" key="/k" token=7"#,
                r#"WARN genlock event="trouble" why="no answer""#,
                r#"ERROR genlock event="lost" key="/k" why=its deadline passed without a renewal"#,
            ]
        );
    }
}
