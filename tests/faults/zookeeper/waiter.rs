//! Who waits is cut off and comes back: in time it keeps its place, and later it stands at the end; it
//! never runs without the lock.

use std::thread::sleep;
use std::time::Duration;

use crate::genlock::poll;
use crate::proxy::Proxy;
use crate::queue::Queue;
use crate::support::zookeeper::Chroot;

fn queue() -> Queue<Chroot> {
    let chroot = Chroot::of_the_shared();
    let endpoint = chroot.endpoint();
    Queue::start(chroot, &endpoint, Duration::from_millis(50))
}

#[test]
fn one_that_comes_back_after_its_sessions_end_is_last_in_the_queue() {
    let queue = queue();
    queue.hold_up(Proxy::hold);
    poll("its session's end", || queue.server.standing().len() == 2);
    queue.hold_up(Proxy::release);
    queue.hit.complains("lost the place in the queue");
    poll("its new place", || queue.server.standing().len() == 3);
    let order = ["holder", "other", "hit"];
    queue.check(&order, |chroot| chroot.standing().is_empty());
}

/// The one behind it is served meanwhile.
#[test]
fn one_that_comes_back_when_all_is_over_runs_last() {
    let queue = queue();
    queue.hold_up(Proxy::hold);
    poll("its session's end", || queue.server.standing().len() == 2);
    queue.holder.signal(rustix::process::Signal::TERM);
    queue.other.ready();
    poll("an empty queue", || queue.server.standing().is_empty());
    queue.hold_up(Proxy::release);
    let order = ["holder", "other", "hit"];
    queue.check(&order, |chroot| chroot.standing().is_empty());
}

#[test]
fn one_that_comes_back_soon_or_over_another_connection_keeps_its_place() {
    crate::together([false, true], |broken| {
        let queue = queue();
        let before = queue.server.standing();
        if broken {
            queue.proxy.break_off();
            sleep(Duration::from_millis(500));
        } else {
            queue.hold_up(Proxy::hold);
            sleep(Duration::from_secs(1));
            queue.hold_up(Proxy::release);
        }
        assert_eq!(queue.server.standing(), before);
        queue.holder.end();
        for waiter in [queue.hit, queue.other] {
            assert_eq!(waiter.finish().status.code(), Some(0));
        }
        let sections = queue.log.check(3);
        let runs: Vec<_> = sections.iter().map(|section| &*section.run).collect();
        assert_eq!(runs, ["holder", "hit", "other"]);
    });
}
