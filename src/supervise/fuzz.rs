//! What processes may be called, and messages between ours, at random.

use super::message::{WatchdogNotice, WatchdogOrder};
use super::proc::Stat;

/// Each as a line of /proc/PID/stat, and as a message.
pub(crate) fn read(data: &[u8]) {
    let _ = Stat::of(data);
    let line = [
        b"812 (",
        data,
        b") S 7 812 812 0 -1 4194560 9 0 0 0 1 2 3 4 20 0 3 0 5507 0\n",
    ];
    let stat = Stat::of(&line.concat()).expect("a line, whatever the name");
    assert_eq!((stat.parent, stat.start), (7, 5507));
    if let Some(order) = WatchdogOrder::decode(data) {
        assert_eq!(WatchdogOrder::decode(&order.encode()), Some(order));
    }
    let notice = data
        .first_chunk()
        .and_then(|data| WatchdogNotice::decode(*data));
    if let Some(notice) = notice {
        assert_eq!(WatchdogNotice::decode(notice.encode()), Some(notice));
    }
}
