//! What is typed to see what happened.

use super::{Newcomer, block};
use crate::process::has;
use crate::support::etcd::Server;

#[test]
fn see_what_happened() {
    let server = Server::start();
    let newcomer = Newcomer::with_etcd(&server.endpoint());
    newcomer.program("backup.sh");
    let said = newcomer.typed(&block("genlock run --history 20"));
    let lines: Vec<_> = said.text().lines().collect();
    // The program says its name.
    assert!(
        lines.len() == 3 && lines[1].starts_with("STARTED "),
        "{said:?}"
    );
    assert!(
        lines[2].ends_with("exited with 0 (./backup.sh)"),
        "{said:?}"
    );
    newcomer.typed(&block("genlock history --svg")).silent(0);
    newcomer.typed("grep -q '</svg>' backup.svg").silent(0);
    if has("jq") {
        newcomer.typed("genlock run --history 20 /locks/backup false");
        let said = newcomer.typed(&block("genlock history --json")).silent(0);
        let lines: Vec<_> = said.text().lines().collect();
        assert!(
            lines.len() == 2 && lines[0].parse::<f64>().is_ok(),
            "{lines:?}"
        );
        assert!(lines[1].ends_with(" null"), "{lines:?}");
    }
}
