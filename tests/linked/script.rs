//! What build.rs has cargo do, for which build.

use std::path::Path;

use crate::genlock::{Finished, bare, output};

/// What it prints when it is built and run with these variables.
fn printed(directory: &Path, variables: &[(&str, &str)]) -> Finished {
    let mut script = bare(directory.join("script"));
    script.env("OUT_DIR", directory);
    script.env("CARGO_CFG_TARGET_OS", "linux");
    script.env("CARGO_CFG_TARGET_ENV", "gnu");
    script.envs(variables.iter().copied());
    output(script).silent(0)
}

#[test]
fn a_release_is_linked_statically_unless_it_is_asked_not_to_or_cannot_be() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut build = bare("rustc");
    build.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/build.rs"));
    build
        .args(["--edition", "2024", "-o"])
        .arg(directory.path().join("script"));
    output(build).silent(0);
    let (cli, release) = (("CARGO_FEATURE_CLI", "1"), ("PROFILE", "release"));
    let dynamic = ("CARGO_FEATURE_DYNAMIC", "1");
    let testing = ("CARGO_FEATURE_TESTING", "1");
    let asked = ("CARGO_CFG_TARGET_FEATURE", "fxsr,crt-static,sse2");
    let no_compiler = ("RUSTC_LINKER", "false");
    let musl = ("CARGO_CFG_TARGET_ENV", "musl");
    let tool = "link-arg-bin=genlock=-static-pie";
    let of_tests = "link-arg-bin=genlock-static=-static-pie";
    for (variables, said) in [
        (&[cli, release][..], &[tool][..]),
        (&[cli, release, testing], &[tool, of_tests]),
        (&[cli, testing], &[of_tests]),
        (&[cli, release, dynamic], &[]),
        (&[cli, release, asked], &[]),
        (&[cli, release, musl], &[]),
        (
            &[cli, release, no_compiler],
            &["warning=genlock is linked dynamically: "],
        ),
        (&[cli], &[]),
        (&[release], &[]),
    ] {
        let printed = printed(directory.path(), variables);
        for each in [tool, of_tests, "warning"] {
            let wanted = said.iter().any(|one| one.starts_with(each));
            assert_eq!(
                printed.text().contains(each),
                wanted,
                "{variables:?}: {printed:?}"
            );
        }
    }
}
