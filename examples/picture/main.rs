//! Draws `docs/picture.svg`, the picture in README: `cargo xtask picture`, as root. Three terminals on three
//! hosts are typed at, on a real etcd; what their terminals show is kept in `session.tsv`, from which the
//! picture is drawn. A test compares the committed picture with what would be drawn.

use std::io;
use std::path::Path;
use std::time::Duration;

#[allow(dead_code)]
#[path = "../../tests/support/certificates.rs"]
mod certificates;
mod draw;
// Of it a server is wanted; the tests use the rest.
#[allow(dead_code, clippy::print_stdout)]
#[path = "../../tests/support/etcd/mod.rs"]
mod etcd;
mod screen;
#[allow(dead_code)]
#[path = "../../tests/support/server_process.rs"]
mod server_process;
mod session;
mod stage;

use stage::{Seat, Stage};

/// Where is typed. The process numbers are those of their shells, each in a namespace of its own.
const SEATS: [Seat; 3] = [
    Seat {
        user: "deploy",
        caption: "web1 deploys",
        host: "web1",
        pid: 4710,
        rows: 4,
    },
    Seat {
        user: "deploy",
        caption: "web2 waits for its turn",
        host: "web2",
        pid: 2218,
        rows: 3,
    },
    Seat {
        user: "ops",
        caption: "on web3: who has the lock?",
        host: "web3",
        pid: 935,
        rows: 14,
    },
];

const WEB1: usize = 0;
const WEB2: usize = 1;
const WEB3: usize = 2;

fn main() -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Err(io::Error::other(
            "only root gives hosts a name (unshare(1))",
        ));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let session = play()?;
    std::fs::write(
        root.join("examples/picture/session.tsv"),
        session.to_string(),
    )?;
    std::fs::write(root.join("docs/picture.svg"), draw::svg(&session))
}

/// A deploy that another one waits for, and who has the lock.
fn play() -> io::Result<session::Session> {
    let etcd = etcd::Server::start();
    let mut stage = Stage::open(&etcd.endpoint(), &SEATS)?;
    let second = Duration::from_secs(1);
    stage.watch(second)?;
    stage.types(WEB1, "genlock run /locks/deploy ./deploy.sh")?;
    stage.until(WEB1, "deploying")?;
    stage.watch(2 * second)?;
    stage.types(WEB2, "genlock run --wait 10m /locks/deploy ./deploy.sh")?;
    stage.until(WEB2, "next in line")?;
    stage.watch(3 * second)?;
    stage.types(WEB3, "genlock status /locks/deploy")?;
    stage.until(WEB3, "1  deploy@web2")?;
    stage.still();
    stage.watch(4 * second)?;
    stage.finish(WEB1)?;
    stage.until(WEB2, "deploying")?;
    stage.watch(3 * second)?;
    stage.types(WEB3, "genlock ls")?;
    stage.until(WEB3, "deploy@web2 (pid")?;
    stage.watch(5 * second)?;
    Ok(stage.close())
}
