//! Whether the host itself was paused: nothing on it ran, as in a virtual machine that is frozen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

use serde_json::json;

use super::history::History;
use crate::sections::now;

const BEAT: Duration = Duration::from_millis(50);

/// By how much a beat is late on a host that has much to do, but runs what should run.
const LATE: Duration = Duration::from_millis(150);

/// Notes each pause, until all is over.
pub(super) fn watch(history: &Arc<History>, over: &Arc<AtomicBool>) -> JoinHandle<()> {
    let (history, over) = (history.clone(), over.clone());
    thread::spawn(move || {
        let mut last = now();
        while !over.load(Ordering::Relaxed) {
            sleep(BEAT);
            let paused = now() - last;
            if paused > BEAT + LATE {
                let seconds = json!({ "paused_seconds": paused.as_secs_f64() });
                history.note("host", "paused", None, &seconds);
            }
            last = now();
        }
    })
}
