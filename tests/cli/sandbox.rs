//! A sandbox or an emulator refuses what genlock asks of the kernel: it does without where the
//! promise holds all the same, and says what is missing where it does not.

use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use crate::genlock::{Finished, Run, Store, genlock, output, poll, send, under};
use crate::process::{children, has, is_dead, watchdog};

/// Runs what is given under a filter (seccomp(2)) that refuses system calls with EPERM: those of a
/// number, of which an argument may have to be a value, under a mask.
const REFUSE: &str = r#"
my ($rules, @command) = @ARGV;
my ($load, $and, $equal, $return) = (0x20, 0x54, 0x15, 0x06);
my ($refuse, $allow) = (0x00050001, 0x7fff0000);
my @filter;
sub op { push @filter, pack 'SCCL', @_ }
for (split ' ', $rules) {
    my ($number, $argument, $mask, $value) = map { /^0x/ ? hex : $_ } split /:/;
    op($load, 0, 0, 0);
    op($equal, 0, defined $argument ? 4 : 1, $number);
    if (defined $argument) {
        op($load, 0, 0, 16 + 8 * $argument);
        op($and, 0, 0, $mask);
        op($equal, 0, 1, $value);
    }
    op($return, 0, 0, $refuse);
}
op($return, 0, 0, $allow);
my $prctl = 157;
syscall($prctl, 38, 1, 0, 0, 0) == 0 or die "no_new_privs: $!";
my $program = pack 'S x![P] P', scalar @filter, join '', @filter;
syscall($prctl, 22, 2, $program, 0, 0) == 0 or die "seccomp: $!";
exec @command or die "$command[0]: $!";
"#;

/// x86-64's numbers.
const PRCTL: &str = "157";
const SUBREAPER: &str = "157:0:0xffffffff:36";
const DEATH_SIGNAL: &str = "157:0:0xffffffff:1";
const TIMER: &str = "283";
const NEWS: &str = "289";
const DESCRIPTORS: &str = "434";
/// CLONE_VM without CLONE_VFORK and CLONE_THREAD.
const SHARING: &str = "56:0:0x14100:0x100";

/// The command where these are refused; `None`, which is said, where that cannot be had.
fn refused(rules: &[&str], command: &Command) -> Option<Command> {
    if !cfg!(target_arch = "x86_64") {
        eprintln!("skipped: the numbers are x86-64's");
        return None;
    }
    let rules = rules.join(" ");
    let mut command_there = under(&["perl", "-e", REFUSE, &rules], command);
    if let Some(directory) = command.get_current_dir() {
        command_there.current_dir(directory);
    }
    Some(command_there)
}

/// It covers what left the group, passes signals on, and keeps its deadline.
fn all_is_held(wrap: &dyn Fn(&Command) -> Option<Command>) {
    let store = Store::files();
    let script = "setsid sh -c 'echo ready $$; exec sleep 600' & echo ready $$; read go; exit 3";
    let Some(command) = wrap(&store.sh(&["-k", "0.4"], script)) else {
        return;
    };
    let mut run = Run::start_to_wait(command);
    let pids = run.all_ready(2);
    run.go_on();
    let run = run.finish();
    assert_eq!(run.status.code(), Some(3), "{run:?}");
    assert!(run.one_line().contains("left behind"), "{run:?}");
    assert!(pids.into_iter().all(is_dead));
    ends_as_told(wrap, &[]);

    let store = Store::etcd();
    let command = store.sh(&["--ttl", "2"], "sleep 3.5; exit 4");
    output(wrap(&command).expect("it can be had")).silent(4);
    let stubborn = "trap '' TERM; echo ready $$; while :; do sleep 0.05; done";
    let command = store.sh(&["--ttl", "2", "--no-renew"], stubborn);
    let lost = output(wrap(&command).expect("it can be had"));
    assert_eq!(lost.status.code(), Some(80), "{lost:?}");
    assert!(lost.took < Duration::from_secs(5), "{lost:?}");
}

/// What does not start says why, and a signal reaches what does.
fn ends_as_told(wrap: &dyn Fn(&Command) -> Option<Command>, options: &[&str]) {
    let store = Store::files();
    let wrap = |command: &Command| wrap(command).expect("it can be had");
    let none = output(wrap(&store.run(options, &["./not-there"])));
    assert_eq!(none.status.code(), Some(127), "{none:?}");
    let run = Run::start(wrap(&store.sh(options, "echo ready $$; exec sleep 600")));
    run.ready();
    run.signal(Signal::TERM);
    let run = run.finish();
    assert_eq!(run.stderr, "");
    crate::genlock::died_of(run.status, Signal::TERM);
    assert!(store.is_free());
}

#[test]
fn what_can_be_done_without_is() {
    let all = [SHARING, DEATH_SIGNAL, DESCRIPTORS, TIMER, NEWS];
    let each = all.iter().map(std::slice::from_ref);
    std::thread::scope(|scope| {
        for rules in each.chain([&all[..]]) {
            scope.spawn(move || all_is_held(&|command| refused(rules, command)));
        }
    });
}

#[test]
fn without_death_signals_a_killed_watchdogs_command_is_dead_before_the_release() {
    let store = Store::files();
    let script = "setsid sh -c 'echo ready $$; exec sleep 600' & echo ready $$; exec sleep 600";
    let Some(command) = refused(&[DEATH_SIGNAL], &store.sh(&[], script)) else {
        return;
    };
    let run = Run::start(command);
    let pids = run.all_ready(2);
    send(watchdog(run.pid()), Signal::KILL);
    let run = run.finish();
    assert_eq!(run.status.code(), Some(70), "{run:?}");
    assert!(pids.into_iter().all(is_dead));
    assert!(store.is_free());
}

#[test]
fn without_prctl_a_killed_watchdogs_group_is_dead_before_the_release() {
    let store = Store::files();
    let script = "sh -c 'echo ready $$; exec sleep 600' & echo ready $$; exec sleep 600";
    let Some(command) = refused(&[PRCTL], &store.sh(&["--leave-descendants"], script)) else {
        return;
    };
    let run = Run::start(command);
    let pids = run.all_ready(2);
    let watchdog = children(run.pid())[0];
    send(watchdog, Signal::KILL);
    let run = run.finish();
    assert_eq!(run.status.code(), Some(70), "{run:?}");
    assert!(pids.into_iter().all(is_dead));
    assert!(store.is_free());
}

/// Demands a line that says what is missing and names the way out.
fn says_what_is_missing(run: &Finished, store: &Store) {
    assert_eq!(run.status.code(), Some(70), "{run:?}");
    let line = run.one_line();
    assert!(line.contains("child subreaper (prctl(2): "), "{line}");
    assert!(line.contains("--leave-descendants"), "{line}");
    assert!(!store.path("ran").exists());
}

#[test]
fn what_cannot_be_done_without_is_said() {
    let store = Store::files();
    let touch = store.run(&[], &["touch", "ran"]);
    let Some(command) = refused(&[SUBREAPER], &touch) else {
        return;
    };
    says_what_is_missing(&output(command), &store);
    let few = ["--leave-descendants"];
    ends_as_told(&|command| refused(&[SUBREAPER], command), &few);
    // The watchdog's end would leave the command alive.
    let none = refused(&[PRCTL, DESCRIPTORS], &store.run(&few, &["touch", "ran"]));
    let none = output(none.expect("a filter"));
    assert_eq!(none.status.code(), Some(70), "{none:?}");
    assert!(none.one_line().contains("prctl(2)"), "{none:?}");
    assert!(!store.path("ran").exists());

    let mut doctor = genlock();
    doctor.args(["doctor", "--endpoints", &store.endpoints]);
    let healthy = output(refused(&["0x7fffffff"], &doctor).expect("a filter"));
    // The word as the name of a finding: what a store rests on speaks of hosts too.
    assert!(!healthy.text().contains("  host "), "{healthy:?}");
    let found = output(refused(&[SUBREAPER, TIMER], &doctor).expect("a filter"));
    assert_eq!(found.status.code(), Some(70), "{found:?}");
    assert!(found.text().contains("child subreapers"), "{found:?}");
    assert!(found.text().contains("timerfd"), "{found:?}");
}

/// In a container of another architecture, say.
#[test]
fn under_an_emulator() {
    if !cfg!(target_arch = "x86_64") || !has("qemu-x86_64") {
        return;
    }
    let store = Store::files();
    let emulated = |command: &Command| {
        let mut emulator = under(&["qemu-x86_64"], command);
        emulator.current_dir(store.directory());
        emulator
    };
    let run = output(emulated(&store.run(&[], &["touch", "ran"])));
    // Later ones have it.
    if run.status.code() != Some(0) {
        says_what_is_missing(&run, &store);
    }
    let few = ["--leave-descendants"];
    ends_as_told(&|command| Some(emulated(command)), &few);
    let run = Run::start(emulated(&store.sh(&few, "echo ready $$; exec sleep 600")));
    let command = run.ready();
    run.signal(Signal::KILL);
    poll("the command's end", || is_dead(command));
}
