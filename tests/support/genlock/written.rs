//! What a process writes, read while it runs.

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use super::PATIENCE;

/// What was written so far to one of a run's pipes.
#[derive(Default)]
pub(crate) struct Written {
    /// And whether that is all.
    bytes: Mutex<(Vec<u8>, bool)>,
    news: Condvar,
}

impl Written {
    pub(crate) fn collect(mut pipe: impl Read + Send + 'static) -> (Arc<Self>, JoinHandle<()>) {
        let written = Arc::new(Self::default());
        let to = written.clone();
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let length = pipe.read(&mut buffer).unwrap_or(0);
                let mut bytes = to.bytes.lock().expect("a lock");
                bytes.0.extend_from_slice(&buffer[..length]);
                bytes.1 = length == 0;
                to.news.notify_all();
                if length == 0 {
                    return;
                }
            }
        });
        (written, thread)
    }

    /// Waits until `found` gives something for what was written, and whether that is all.
    pub(crate) fn until<T>(
        &self,
        what: &str,
        mut found: impl FnMut(&[u8], bool) -> Option<T>,
    ) -> T {
        let start = Instant::now();
        let mut bytes = self.bytes.lock().expect("a lock");
        loop {
            if let Some(found) = found(&bytes.0, bytes.1) {
                return found;
            }
            let left = PATIENCE.saturating_sub(start.elapsed());
            let so_far = || String::from_utf8_lossy(&bytes.0).into_owned();
            assert!(!left.is_zero(), "no {what} in time: {:?}", so_far());
            assert!(!bytes.1, "no {what} to the end: {:?}", so_far());
            bytes = self.news.wait_timeout(bytes, left).expect("a lock").0;
        }
    }

    /// What there is of it now.
    pub(crate) fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().expect("a lock").0).into_owned()
    }
}
