//! Links the tool statically for release, so that it starts sooner, and where there are no libraries.
//!
//! `-C target-feature=+crt-static` says the same, but nothing in a package can: a profile has no flags of
//! its own, and cargo's configuration is that of a checkout, which `cargo install` from elsewhere does not
//! read, and would build everything for development anew. What it does is to link with `-static-pie`, and
//! the C library from its archives; so does this, by the linker's own means. rustc asks for the C library as
//! a shared object (`-Bdynamic -lc`): linker scripts of those names, found first, name the archives instead.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The oldest glibc whose archive has all of its name services in itself.
const OLDEST_GLIBC: u32 = 34;

/// Each shared object that rustc links, and the archives that are linked instead.
const ARCHIVES: [(&str, &[&str]); 3] = [
    ("c", &["libc.a", "libgcc_eh.a", "libgcc.a"]),
    ("gcc_s", &["libgcc_eh.a", "libgcc.a", "libc.a"]),
    ("m", &["libm.a"]),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    let is = |variable: &str, value: &str| env::var(variable).is_ok_and(|found| found == value);
    let of_glibc = is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu");
    let features = env::var("CARGO_CFG_TARGET_FEATURE").unwrap_or_default();
    let is_static = features.split(',').any(|feature| feature == "crt-static");
    let has = |feature: &str| env::var_os(format!("CARGO_FEATURE_{feature}")).is_some();
    if !of_glibc || is_static || !has("CLI") {
        return Ok(());
    }
    let mut programs = Vec::new();
    if is("PROFILE", "release") && !has("DYNAMIC") {
        programs.push("genlock");
    }
    // For the tests, which cargo builds without it; the published archive has neither.
    if has("TESTING") && Path::new("tests/linked").exists() {
        programs.push("genlock-static");
    }
    if programs.is_empty() {
        return Ok(());
    }
    let directory = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    if let Err(why) = name_archives(&directory) {
        println!("cargo:warning=genlock is linked dynamically: {why}");
        return Ok(());
    }
    for program in programs {
        println!(
            "cargo:rustc-link-arg-bin={program}=-L{}",
            directory.display()
        );
        println!("cargo:rustc-link-arg-bin={program}=-static-pie");
    }
    Ok(())
}

/// Writes the linker scripts.
fn name_archives(directory: &Path) -> Result<(), String> {
    let linker = env::var_os("RUSTC_LINKER").unwrap_or_else(|| "cc".into());
    let version = glibc(&linker)?;
    if version < OLDEST_GLIBC {
        return Err(format!("glibc is 2.{version}, older than 2.{OLDEST_GLIBC}"));
    }
    for (name, archives) in ARCHIVES {
        let paths = archives.iter().map(|archive| path(&linker, archive));
        let paths = paths.collect::<Result<Vec<_>, _>>()?.join(" ");
        let script = directory.join(format!("lib{name}.so"));
        fs::write(&script, format!("GROUP({paths})\n"))
            .map_err(|error| format!("{}: {error}", script.display()))?;
    }
    Ok(())
}

/// Where the linker finds this archive.
fn path(linker: &OsString, archive: &str) -> Result<String, String> {
    let mut asked = Command::new(linker);
    let answer = asked.arg(format!("-print-file-name={archive}")).output();
    let answer = text(linker, answer)?;
    let path = answer.trim();
    // It gives back the name of what it does not find.
    if Path::new(path).is_absolute() {
        Ok(format!("\"{path}\""))
    } else {
        Err(format!(
            "there is no {archive} (Debian: libc6-dev, Fedora: glibc-static)"
        ))
    }
}

/// The C library's minor version.
fn glibc(linker: &OsString) -> Result<u32, String> {
    let header = "-include features.h -E -P -x c -".split(' ');
    let asked = Command::new(linker)
        .args(header)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let answer = asked.and_then(|mut asked| {
        let mut stdin = asked.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        io::Write::write_all(&mut stdin, b"__GLIBC_MINOR__\n")?;
        drop(stdin);
        asked.wait_with_output()
    });
    let answer = text(linker, answer)?;
    let version = answer.split_whitespace().last().unwrap_or_default();
    version
        .parse()
        .map_err(|_| format!("{}: no version of glibc", linker.display()))
}

fn text(linker: &OsString, answer: io::Result<std::process::Output>) -> Result<String, String> {
    match answer {
        Ok(answer) if answer.status.success() => {
            Ok(String::from_utf8_lossy(&answer.stdout).into_owned())
        }
        Ok(answer) => Err(format!("{}: {}", linker.display(), answer.status)),
        Err(error) => Err(format!("{}: {error}", linker.display())),
    }
}
