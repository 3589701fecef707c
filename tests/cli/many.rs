//! A command of many processes that left its group: SIGTERM comes first, to each of them and once.

use std::collections::HashSet;

use crate::genlock::{Run, Store};
use crate::process::is_dead;

const COUNT: usize = 600;

/// Starts so many processes, each in a session of its own, of which each says when it is told to
/// end, and takes its time for it; says `ready`, and ends when its stdin does. The first SIGTERM
/// ends it before the others, which then are the watchdog's, all of a sudden.
const MANY: &str = r#"
use POSIX 'setsid';
my ($count) = @ARGV;
open my $log, '>>', 'told' or die "told: $!";
pipe(my $started, my $say);
for (1 .. $count) {
    next if fork;
    setsid;
    close STDIN;
    my $told = 0;
    $SIG{TERM} = sub { syswrite $log, "$$\n"; $told = 1 };
    syswrite $say, 'x';
    close $say;
    sleep 600 until $told;
    sleep 1;
    exit;
}
close $say;
my $so_far = 0;
$so_far += sysread($started, my $bytes, 4096) while $so_far < $count;
$| = 1;
print "ready $$\n";
<STDIN>;
exit 3;
"#;

/// Who noted a SIGTERM, when genlock has ended after `end` made it stop the command.
fn told(store: &Store, options: &[&str], status: i32, end: impl FnOnce(&mut Run)) {
    let many = store.path("many");
    std::fs::write(&many, MANY).expect("a script");
    let script = format!("exec perl {} {COUNT}", many.display());
    let mut run = Run::start_to_wait(store.sh(options, &script));
    run.ready();
    end(&mut run);
    let run = run.finish();
    assert_eq!(run.status.code(), Some(status), "{run:?}");
    let told = std::fs::read_to_string(store.path("told")).expect("a log");
    let told: Vec<i32> = told
        .lines()
        .map(|pid| pid.parse().expect("a pid"))
        .collect();
    let each: HashSet<i32> = told.iter().copied().collect();
    assert_eq!((each.len(), told.len()), (COUNT, COUNT), "and how often");
    assert!(each.into_iter().all(is_dead));
}

#[test]
fn at_a_loss() {
    let store = Store::etcd();
    told(&store, &["--ttl", "60", "-k", "20"], 80, |_| {
        let server = store.server().expect("an etcd");
        server.ctl(&["del", "--prefix", &format!("{}/", store.key)]);
    });
}

#[test]
fn when_its_time_is_over() {
    let store = Store::files();
    told(&store, &["--max-runtime", "6", "-k", "20"], 124, |_| {});
}

#[test]
fn when_the_command_has_ended() {
    let store = Store::files();
    told(&store, &["-k", "20"], 3, |run| run.go_on());
}

/// What is told to end may need others for it.
#[test]
fn what_is_started_to_end_in_order_is_left_alone() {
    let store = Store::files();
    let tidy = "sh -c \\\"sleep 0.5; echo whole\\\"";
    let script = format!(
        "setsid sh -c 'trap \"{tidy}; exit\" TERM; echo ready $$; while :; do sleep 0.02; done' &
        read go; exit 3"
    );
    let mut run = Run::start_to_wait(store.sh(&["-k", "20"], &script));
    run.ready();
    run.go_on();
    let run = run.finish();
    assert_eq!(run.status.code(), Some(3), "{run:?}");
    assert!(run.text().ends_with("whole"), "{run:?}");
}

#[test]
fn who_stays_in_the_group_is_not_told_again_when_the_command_ends() {
    let stays = r#"
        $SIG{TERM} = sub { syswrite STDOUT, "told\n" };
        unless (fork) {
            syswrite STDOUT, "ready $$\n";
            sleep 600 while 1;
        }
        $SIG{TERM} = 'DEFAULT';
        sleep 600;
    "#;
    let store = Store::etcd();
    let run = Run::start(store.run(&["--ttl", "60", "-k", "1"], &["perl", "-e", stays]));
    run.ready();
    let server = store.server().expect("an etcd");
    server.ctl(&["del", "--prefix", &format!("{}/", store.key)]);
    let run = run.finish();
    assert_eq!(run.status.code(), Some(80), "{run:?}");
    assert_eq!(run.text().matches("told").count(), 1, "{run:?}");
}
