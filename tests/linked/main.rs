//! The tool as it is linked for release, statically, and as it is otherwise (build.rs).

// Each test program uses its own part of what they share.
#[allow(dead_code, unused_imports)]
#[path = "../support/genlock/mod.rs"]
mod genlock;
#[allow(dead_code)]
#[path = "../support/process.rs"]
mod process;
#[path = "../support/mod.rs"]
mod support;

mod empty_root;
mod script;

/// The tool, linked statically where that is possible.
const STATIC: &str = env!("CARGO_BIN_EXE_genlock-static");

/// Linked dynamically, as for development.
const DYNAMIC: &str = env!("CARGO_BIN_EXE_genlock");

/// Whether it asks for the dynamic linker.
fn has_interpreter(program: &str) -> bool {
    let mut headers = genlock::bare("readelf");
    headers.args(["--program-headers", "--wide", program]);
    genlock::output(headers).text().contains("INTERP")
}

/// Whether it could be linked statically here; says that a test is skipped if not.
fn is_static() -> bool {
    let so = !has_interpreter(STATIC);
    if !so {
        eprintln!("skipped: genlock is not linked statically here");
    }
    so
}

#[test]
fn what_is_linked_statically_asks_for_no_interpreter() {
    assert!(has_interpreter(DYNAMIC));
    // Where there is Debian's C library there is its archive.
    assert!(is_static() || !std::path::Path::new("/etc/debian_version").exists());
}
