//! Programs that people use at a terminal.

use std::fs;
use std::net::TcpListener;

use crate::genlock::{Run, Store, bare, output};
use crate::process::has;
use crate::pty::{INTERRUPT, Shell};

const VIM: &str = "vim -n -u NONE -i NONE text";

/// Changes the window's size until this is shown for it: many programs overlook a change just before
/// they begin to wait for a key.
fn resize_until(shell: &mut Shell, (rows, columns): (u16, u16), text: &str) {
    shell.again_until(text, |shell| {
        shell.resize(rows, columns + 1);
        shell.resize(rows, columns);
    });
}

#[test]
fn an_editor() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.line(&format!("genlock run k {VIM}"));
    shell.until("[New");
    let vim = shell.supervised();
    shell.until_raw();
    resize_until(&mut shell, (33, 99), "\x1b[32;1H");
    shell.send(":echo &lines.'x'.&columns\r");
    shell.until("33x99");
    let shown = shell.suspend(vim);
    assert!(shown.contains("Stopped"), "{shown:?}");
    let modes = shell.command("stty -a");
    assert!(
        modes.contains(" icanon") && modes.contains(" echo "),
        "{modes}"
    );
    shell.line("fg");
    shell.until_foreground(vim);
    shell.until_raw();
    shell.send("ihello\x1b:wq\r");
    shell.prompt();
    assert_eq!(shell.command("echo status:$?").trim(), "status:0");
    let text = fs::read_to_string(store.path("text")).expect("a file");
    assert_eq!(text, "hello\n");
}

#[test]
fn an_editor_whose_lock_is_lost() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.line(&format!("genlock run --no-renew --ttl 2 k {VIM}"));
    shell.until("[New");
    let shown = shell.prompt();
    // What it drew on is gone, and the reason is not.
    let (_, after) = shown
        .rsplit_once("\x1b[?1049l")
        .expect("the end of its screen");
    assert!(
        after.contains("genlock: k: the lock is lost: its deadline passed"),
        "{shown:?}"
    );
    assert_eq!(shell.command("echo status:$?").trim(), "status:80");
    assert!(shell.command("stty -a").contains(" icanon"));
}

#[test]
fn a_pager() {
    let store = Store::files();
    let lines: Vec<_> = (1..=500).map(|number| format!("line {number}\n")).collect();
    fs::write(store.path("text"), lines.concat()).expect("a file");
    let mut shell = Shell::start(&store);
    shell.line("genlock run k less text");
    shell.until("line 23\r\n");
    let less = shell.supervised();
    shell.until_raw();
    resize_until(&mut shell, (10, 80), "line 9\r\n:");
    shell.send("G=");
    shell.until("492-500/500");
    shell.send("\r");
    let shown = shell.suspend_pager(less);
    assert!(shown.contains("Stopped"), "{shown:?}");
    shell.line("fg");
    shell.until_foreground(less);
    shell.until_raw();
    shell.send("q");
    shell.prompt();
    assert_eq!(shell.command("echo status:$?").trim(), "status:0");
}

#[test]
fn a_prompt_for_sql() {
    let store = Store::files();
    let mut shell = Shell::start(&store);
    shell.line("genlock run k sqlite3");
    shell.until("sqlite> ");
    shell.send("select 40+2;\n");
    shell.until("42\r\n");
    shell.until("sqlite> ");
    let sqlite = shell.supervised();
    let shown = shell.suspend(sqlite);
    assert!(shown.contains("Stopped"), "{shown:?}");
    shell.line("fg");
    shell.until_foreground(sqlite);
    shell.send("select 40+3;\n");
    shell.until("43\r\n");
    shell.send(".exit 7\n");
    shell.prompt();
    assert_eq!(shell.command("echo status:$?").trim(), "status:7");
}

#[test]
fn sudo_under_genlock_and_genlock_under_sudo() {
    let genlock = env!("CARGO_BIN_EXE_genlock");
    let told = "sh -c 'echo ready $$; while read x; do echo got:$x:; done'";
    if !has("sudo") || !output(sudo()).status.success() {
        eprintln!("skipped: sudo wants a password");
        return;
    }
    let store = Store::files();
    let endpoints = &store.endpoints;
    for line in [
        format!("genlock run k sudo -n {told}"),
        format!("sudo -n {genlock} run --endpoints {endpoints} k {told}"),
    ] {
        let mut shell = Shell::start(&store);
        // A loop ends on Ctrl-C, but for a stop.
        shell.line(&format!("for i in 1 2; do {line}; done"));
        shell.ready();
        shell.line("one");
        shell.until("got:one:");
        shell.send(INTERRUPT);
        let shown = shell.prompt();
        assert!(!shown.contains("ready"), "{line}: {shown:?}");
        assert_eq!(shell.command("echo status:$?").trim(), "status:130");

        shell.line(&line);
        let command = shell.ready();
        let shown = shell.suspend(command);
        assert!(shown.contains("Stopped"), "{line}: {shown:?}");
        shell.line("fg");
        shell.until("\n");
        shell.line("two");
        shell.until("got:two:");
        shell.send("\x04");
        shell.prompt();
        assert_eq!(shell.command("echo status:$?").trim(), "status:0");
        assert!(store.is_free());
    }
}

fn sudo() -> std::process::Command {
    let mut sudo = bare("sudo");
    sudo.args(["-n", "true"]);
    sudo
}

/// A server of ssh's that lets us in, with a home of its own.
struct Remote {
    store: Store,
    _server: Run,
}

impl Remote {
    fn start() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: only root can give a server another home");
            return None;
        }
        if !has("dropbear") || !has("ssh") {
            return None;
        }
        let store = Store::files();
        let here = store.directory().display();
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a port")
            .port();
        let mut prepare = bare("sh");
        prepare.args(["-ec", &format!(
            "cd {here}; umask 077; mkdir -p home/.ssh
             dropbearkey -t ed25519 -f host >/dev/null 2>&1; ssh-keygen -q -t ed25519 -N '' -f me
             cp me.pub home/.ssh/authorized_keys
             printf 'Host *\\nHostName 127.0.0.1\\nPort {port}\\nUser root\\nIdentityFile {here}/me\\nIdentitiesOnly yes\\nUserKnownHostsFile {here}/known\\n' >config",
        )]);
        output(prepare).silent(0);
        let mut server = bare("unshare");
        server.args(["--mount", "sh", "-c", &format!(
            "mount --bind {here}/home ~root && exec dropbear -F -E -p 127.0.0.1:{port} -r {here}/host -P ''",
        )]);
        let server = Run::start(server);
        server.complains("Not backgrounding");
        Some(Self {
            store,
            _server: server,
        })
    }
}

#[test]
fn ssh() {
    let Some(remote) = Remote::start() else {
        return;
    };
    let mut shell = Shell::start(&remote.store);
    shell.line(
        "genlock run k ssh -F config -t there \"sh -c 'trap \\\"echo told:INT\\\" INT; echo re''ady;
         while [ x\\$x != xend ]; do read x && echo got:\\$x: && stty size; done; exit 9'\"",
    );
    // It asks at the terminal, whatever stdin is.
    shell.until("(yes/no");
    shell.send("yes\n");
    shell.until("ready\r\n");
    shell.resize(33, 99);
    // The size goes its own way, and can come later than what is typed.
    shell.again_until("33 99", |shell| shell.send("hello\n"));
    shell.send(INTERRUPT);
    shell.until("told:INT");
    // ssh's own way of being suspended.
    let ssh = shell.supervised();
    shell.send("\r~");
    let shown = shell.suspend(ssh);
    assert!(shown.contains("Stopped"), "{shown:?}");
    shell.line("fg");
    shell.until_foreground(ssh);
    shell.until_raw();
    shell.send("again\n");
    shell.until("got:again:");
    shell.send("end\n");
    shell.prompt();
    assert_eq!(shell.command("echo status:$?").trim(), "status:9");
    assert!(shell.command("stty -a").contains(" icanon"));
}
