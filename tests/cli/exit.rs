//! The command's own end is genlock's.

use std::os::unix::fs::PermissionsExt;

use rustix::process::{Signal, geteuid};

use crate::genlock::{Run, Store, bare, copy_for_all, died_of, output, under};

over_every_store! {
    the_status_is_the_commands_own;
    it_dies_of_the_signal_that_the_command_died_of;
    a_command_that_was_not_found_is_127;
    the_lock_is_free_after_every_end;
}

fn the_status_is_the_commands_own(store: &Store) {
    for status in [0, 1, 3, 64, 75, 126, 127, 128, 143, 255] {
        let run = output(store.sh(&[], &format!("exit {status}")));
        assert_eq!(run.silent(status).stdout, b"");
    }
}

fn it_dies_of_the_signal_that_the_command_died_of(store: &Store) {
    for signal in [
        Signal::TERM,
        Signal::KILL,
        Signal::INT,
        Signal::HUP,
        Signal::QUIT,
        Signal::SEGV,
        Signal::ABORT,
        Signal::USR1,
        Signal::PIPE,
        Signal::ALARM,
    ] {
        let script = format!("ulimit -c 0; kill -{} $$", signal.as_raw());
        let run = output(store.sh(&[], &script));
        died_of(run.status, signal);
        assert_eq!(run.stderr, "");
    }
}

#[test]
fn a_signal_that_dumps_core_leaves_none_of_genlock() {
    let store = Store::files();
    let mut run = store.sh(&[], "ulimit -c 0; kill -QUIT $$");
    run.current_dir(store.directory());
    // An unlimited core size, where it may be had, for genlock itself.
    let run = crate::genlock::under(&["sh", "-c", "ulimit -c hard; exec \"$@\"", "sh"], &run);
    died_of(output(run).status, Signal::QUIT);
    let files = std::fs::read_dir(store.directory()).expect("a directory");
    let files: Vec<_> = files
        .map(|file| file.expect("a file").file_name())
        .collect();
    assert_eq!(files, ["locks"]);
}

#[test]
fn a_shell_sees_128_and_the_signal() {
    let store = Store::files();
    let run = store.sh(&[], "kill -TERM $$");
    let script = ["sh", "-c", "\"$@\"; echo $?", "sh"];
    let run = output(crate::genlock::under(&script, &run));
    assert_eq!(run.text(), "143");
}

fn a_command_that_was_not_found_is_127(store: &Store) {
    let run = output(store.run(&[], &["no-such-command-anywhere"]));
    assert_eq!(run.status.code(), Some(127));
    let line = run.one_line();
    assert!(line.contains("no-such-command-anywhere"), "{line}");
    assert!(line.contains("not found"), "{line}");

    let run = output(store.run(&[], &["/no/such/command"]));
    assert_eq!(run.status.code(), Some(127));
    run.one_line();
    assert!(store.is_free());
}

#[test]
fn a_missing_interpreter_is_127_and_named_as_such() {
    let store = Store::files();
    let script = store.path("script");
    std::fs::write(&script, "#!/no/such/interpreter\n").expect("a script");
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).expect("its mode");
    let run = output(store.run(&[], &[script.to_str().expect("a path")]));
    assert_eq!(run.status.code(), Some(127));
    assert!(run.one_line().contains("interpreter"), "{run:?}");
}

#[test]
fn what_cannot_be_executed_is_126() {
    let store = Store::files();
    let file = store.path("file");
    std::fs::write(&file, "no program").expect("a file");
    for path in [file.as_path(), store.directory()] {
        let run = output(store.run(&[], &[path.to_str().expect("a path")]));
        assert_eq!(run.status.code(), Some(126), "{run:?}");
        assert!(run.one_line().contains("permission denied"), "{run:?}");
    }
    assert!(store.is_free());
}

#[test]
fn a_script_without_an_interpreter_line_runs_as_under_a_shell() {
    let store = Store::files();
    let script = store.path("script");
    let text = "for word; do [ $word = sh ] || echo $word; done; echo $# from $1\n";
    std::fs::write(&script, text).expect("a script");
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).expect("its mode");
    let script = script.to_str().expect("a path");
    let run = output(store.run(&[], &[script, "sh"]));
    assert_eq!(run.silent(0).text(), "1 from sh");

    // The shell gets all of them once more.
    let many = [&[script], &["sh"; 50_000][..]].concat();
    assert_eq!(
        output(store.run(&[], &many)).silent(0).text(),
        "50000 from sh"
    );
}

fn the_lock_is_free_after_every_end(store: &Store) {
    for script in ["exit 0", "exit 9", "kill -KILL $$", "exec /no/such/file"] {
        output(store.sh(&[], script));
        assert!(store.is_free(), "{script}");
    }
}

/// Holds up the execution of a program (fanotify(7)) until its stdin ends, and refuses it then.
const GATE: &str = r#"
my %call = (x86_64 => 300, aarch64 => 262);
my $machine = qx(uname -m);
chomp $machine;
my $init = $call{$machine} // die "unknown numbers of system calls";
my $group = syscall($init, 4, 0);
syscall($init + 1, $group, 1, 0x40000, -100, $ARGV[0]) == 0 or die "fanotify_mark: $!";
open(my $gate, "+<&=", $group) or die;
$| = 1;
print "ready $$\n";
sysread($gate, my $event, 4096);
print "held\n";
<STDIN>;
syswrite($gate, pack("lL", (unpack("LCCSQl", $event))[5], 2));
"#;

/// It ignores SIGTERM, as it was started so.
#[test]
fn a_command_that_never_ran_has_lost_nothing() {
    if !geteuid().is_root() || !std::fs::exists("/proc/sys/fs/fanotify").is_ok_and(|found| found) {
        eprintln!("skipped: nobody but root has fanotify(7), where there is one");
        return;
    }
    let store = Store::etcd();
    let program = copy_for_all(store.directory()).display().to_string();
    let mut gate = bare("perl");
    gate.args(["-e", GATE, &program]);
    let mut gate = Run::start_to_wait(gate);
    gate.ready();
    let run = store.run(&["--ttl", "600", "-k", "100"], &[&program]);
    let run = Run::start(under(
        &["sh", "-c", "trap '' TERM; exec \"$@\"", "sh"],
        &run,
    ));
    gate.says("held");
    let key = format!("{}/", store.key);
    store
        .server()
        .expect("an etcd")
        .ctl(&["del", "--prefix", &key]);
    run.complains("the lock is lost");
    gate.go_on();
    let run = run.finish();
    assert_eq!(run.status.code(), Some(126), "{run:?}");
    assert!(run.stderr.contains("cannot be executed"), "{run:?}");
}
