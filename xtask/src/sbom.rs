//! What is in the tool, for those who look up faults: a bill of materials in CycloneDX's JSON.
//!
//! cargo-cyclonedx knows the crates and how they depend on each other, of all of the workspace, with macros;
//! cargo's tree says which of them are in the tool, and the tool itself which C library and compiler.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::binary;
use crate::step::{Outcome, Step, below_root};

/// What it is called while it is made, beside the manifest of each package.
const RAW: &str = "bill";

/// Builds the tool, and writes what is in it to `target/genlock.cdx.json`.
pub(crate) fn run(target: Option<&str>) -> Outcome {
    let target = target.map_or_else(binary::host, |target| Ok(target.to_owned()))?;
    let to = below_root("target/genlock.cdx.json");
    make(
        &binary::build(Some(&target))?,
        &target,
        &binary::time()?,
        &to,
    )?;
    println!("{}", to.display());
    Ok(())
}

/// Writes what is in this binary, which was built for this target. The time, in seconds since 1970, is that
/// which it says: so it has the same bytes from the same source.
pub(crate) fn make(binary: &Path, target: &str, time: &str, to: &Path) -> Outcome {
    let mut bom = cyclonedx(target, time)?;
    let linked = linked(target)?.into_iter();
    let linked: BTreeSet<_> = linked.map(|one| (one.name, one.version)).collect();
    let package = |it: &Value| {
        let word = |key| it[key].as_str().unwrap_or_default().to_owned();
        (word("name"), word("version"))
    };
    // What the document is of: its targets are files of the source, among them the tests' own.
    if let Some(tool) = bom["metadata"]["component"].as_object_mut() {
        tool.remove("components");
    }
    let mut left = BTreeSet::from([bom["metadata"]["component"]["bom-ref"].clone().to_string()]);
    let components = list(&mut bom["components"])?;
    components.retain(|component| linked.contains(&package(component)));
    // Of those that are listed, genlock aside, each has to be found again.
    if components.len() + 1 != linked.len() {
        return Err(format!(
            "sbom: {} crates are linked, and {} are found",
            linked.len() - 1,
            components.len()
        ));
    }
    left.extend(components.iter().map(|it| it["bom-ref"].to_string()));
    components.extend(around(binary)?);
    let dependencies = list(&mut bom["dependencies"])?;
    dependencies.retain(|of| left.contains(&of["ref"].to_string()));
    for of in dependencies {
        if let Some(on) = of["dependsOn"].as_array_mut() {
            on.retain(|one| left.contains(&one.to_string()));
        }
    }
    let text = serde_json::to_string_pretty(&bom).map_err(|error| error.to_string())?;
    fs::write(to, text + "\n").map_err(|error| format!("{}: {error}", to.display()))
}

/// What cargo-cyclonedx says, without the folder in which we are.
fn cyclonedx(target: &str, time: &str) -> Outcome<Value> {
    let json = ["cyclonedx", "--format", "json", "--spec-version", "1.5"];
    let step = Step::cargo(&json).and(&["--no-build-deps", "--quiet", "--target", target]);
    let step = step.and(&["--override-filename", RAW]);
    step.with("SOURCE_DATE_EPOCH", time).run()?;
    let read = |folder: &str| {
        let path = below_root(folder).join(format!("{RAW}.json"));
        let text = fs::read_to_string(&path);
        let text = text.and_then(|text| fs::remove_file(&path).map(|()| text));
        text.map_err(|error| format!("{}: {error}", path.display()))
    };
    // It writes one for each member.
    for member in ["tests/model", "xtask"] {
        read(member)?;
    }
    let root = below_root("");
    let here = format!(
        "path+file://{}#",
        root.to_string_lossy().trim_end_matches('/')
    );
    let text = read("")?
        .replace(&here, "")
        .replace("?download_url=file://.", "");
    serde_json::from_str(&text).map_err(|error| format!("cargo cyclonedx: {error}"))
}

/// A crate that is in the tool.
pub(crate) struct Linked {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The names of its licences.
    pub(crate) licence: String,
}

/// The crates that are in the tool, genlock with them.
pub(crate) fn linked(target: &str) -> Outcome<Vec<Linked>> {
    let of_tool = ["tree", "--locked", "--package", "genlock"];
    let linked = ["--target", target, "--edges", "normal,no-proc-macro"];
    let shown = ["--prefix", "none", "--no-dedupe", "--format", "{p}|{l}"];
    let tree = Step::cargo(&of_tool).and(&linked).and(&shown).output()?;
    let lines = tree.lines().filter_map(|line| {
        let (package, licence) = line.split_once('|')?;
        let mut words = package.split(' ').map(str::to_owned);
        Some(Linked {
            name: words.next()?,
            version: words.next()?.trim_start_matches('v').to_owned(),
            licence: licence.to_owned(),
        })
    });
    Ok(lines.collect())
}

/// What the tool was linked with that is no crate, as it says itself.
fn around(binary: &Path) -> Outcome<Vec<Value>> {
    let bytes = fs::read(binary).map_err(|error| format!("{}: {error}", binary.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    let said = |before: &str, after: &str| {
        let (_, rest) = text.split_once(before)?;
        rest.split_once(after).map(|(said, _)| said.to_owned())
    };
    let library = |name: &str, version: String, licence: &str| {
        json!({
            "type": "library", "bom-ref": name, "name": name, "version": version,
            "scope": "required", "licenses": [{ "expression": licence }],
        })
    };
    let mut found = Vec::new();
    // GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.
    let linked_statically = said("GNU C Library (", ") ");
    if let Some(version) = linked_statically {
        found.push(library("glibc", version, "LGPL-2.1-or-later"));
        if let Some(version) = said("GCC: (", ")") {
            let licence = "GPL-3.0-or-later WITH GCC-exception-3.1";
            found.push(library("libgcc", version, licence));
        }
    }
    if let Some(version) = said("rustc version ", " ") {
        found.push(library("rust-std", version, "MIT OR Apache-2.0"));
    }
    Ok(found)
}

fn list(of: &mut Value) -> Outcome<&mut Vec<Value>> {
    of.as_array_mut()
        .ok_or_else(|| "cargo cyclonedx: a list is missing".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bill_names_what_is_linked_and_no_more() {
        let has = Step::program("cargo-cyclonedx").and(&["cyclonedx", "--version"]);
        if has.output().is_err() {
            println!("skipped: no cargo-cyclonedx");
            return;
        }
        let scratch = tempfile::TempDir::new().unwrap();
        let binary = scratch.path().join("genlock");
        let said = b"\xff\0GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\n\0\
            GCC: (Debian 12.2.0-14) 12.2.0\0rustc version 1.95.0 (59807616e 2026-04-14)\0";
        fs::write(&binary, said).unwrap();
        let made = |name: &str| {
            let to = scratch.path().join(name);
            make(&binary, "x86_64-unknown-linux-gnu", "1700000000", &to).unwrap();
            fs::read_to_string(to).unwrap()
        };
        let text = made("bill.json");
        assert_eq!(made("again.json"), text);
        let bill: Value = serde_json::from_str(&text).unwrap();
        let components = bill["components"].as_array().unwrap();
        let version = |name: &str| {
            let found = components.iter().find(|one| one["name"] == name)?;
            found["version"].as_str()
        };
        assert_eq!(version("glibc"), Some("Debian GLIBC 2.36-9"));
        assert_eq!(version("libgcc"), Some("Debian 12.2.0-14"));
        assert_eq!(version("rust-std"), Some("1.95.0"));
        assert!(version("aws-lc-sys").is_some() && version("etcd-client").is_some());
        // A macro; what another feature of aws-lc needs; what tests need.
        for name in [
            "serde_derive",
            "ring",
            "tempfile",
            "clap_complete",
            "prost-build",
        ] {
            assert_eq!(version(name), None, "{name}");
            assert!(!text.contains(&format!("#{name}@")), "{name}");
        }
        let root = below_root("");
        assert!(!text.contains(root.to_string_lossy().trim_end_matches('/')));
        assert_eq!(
            bill["metadata"]["component"]["purl"]
                .as_str()
                .unwrap()
                .split('@')
                .next(),
            Some("pkg:cargo/genlock")
        );
    }
}
