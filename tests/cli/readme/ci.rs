//! The files for CI services and Kubernetes: each is what it says, read by a parser, and the lines in it are
//! typed as the service does it, each step in a session of its own.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::Newcomer;
use crate::docs::{Block, pages};
use crate::genlock::{Run, bare, output, poll};
use crate::process::has;
use crate::support::etcd::Server;

/// The blocks of a recipe in this language.
fn files(page: &str, language: &str) -> Vec<Block> {
    let path = Path::new("docs/recipes").join(page);
    let page = pages().into_iter().find(|page| page.path == path);
    let mut blocks = page.expect("the page").blocks();
    blocks.retain(|block| block.language == language);
    assert!(!blocks.is_empty(), "no {language} in {path:?}");
    blocks
}

/// What YAML says; `None` where nobody can read it here.
fn yaml(text: &str) -> Option<Value> {
    const READ: &str = "import json, sys, yaml\nprint(json.dumps(yaml.safe_load(sys.argv[1])))";
    let mut parser = bare("/usr/bin/python3");
    parser.args(["-c", READ, text]);
    let parsed = output(parser);
    if parsed.stderr.contains("No module named") {
        eprintln!("skipped: there is no yaml of Python's");
        return None;
    }
    assert!(parsed.status.success(), "{text}: {}", parsed.stderr);
    Some(serde_json::from_str(parsed.text()).expect("JSON"))
}

fn list(value: &Value) -> Vec<&str> {
    let lines = value.as_array().into_iter().flatten();
    lines.filter_map(Value::as_str).collect()
}

/// Those who follow a recipe, and what their steps leave to the next.
struct Pipeline {
    server: Server,
    newcomer: Newcomer,
}

impl Pipeline {
    fn new() -> Self {
        let server = Server::start();
        let newcomer = Newcomer::with_etcd(&server.endpoint());
        newcomer.program("bin/make");
        newcomer.program("report");
        Self { server, newcomer }
    }

    /// Types a step in a new session, and takes the variables that it leaves in this file.
    #[track_caller]
    fn step(&mut self, script: &str, file: &str) -> String {
        let shell = ["setsid", "--wait", "sh", "-ec", script];
        let ended = output(self.newcomer.of_shell(&shell)).silent(0);
        let left = fs::read_to_string(self.newcomer.path(file)).unwrap_or_default();
        for (name, value) in left.lines().filter_map(|line| line.split_once('=')) {
            self.newcomer.set(name, value);
        }
        ended.text().to_owned()
    }

    /// All steps; the last work of them was done, and nobody holds the lock any more.
    #[track_caller]
    fn all(mut self, steps: &[String], file: &str) {
        let said: Vec<_> = steps.iter().map(|step| self.step(step, file)).collect();
        assert!(
            said.iter().any(|said| said.contains("make deploy")),
            "{said:?}"
        );
        let is_free = || {
            let keys = self.server.keys();
            !keys.iter().any(|key| key.starts_with("/locks/deploy/"))
        };
        poll("a lock that is free", is_free);
    }
}

#[test]
fn every_file_can_be_read() {
    for page in pages() {
        for block in page
            .blocks()
            .iter()
            .filter(|block| block.language == "yaml")
        {
            let Some(read) = yaml(&block.text) else {
                return;
            };
            assert!(
                read.is_object() || read.is_array(),
                "{:?}: {read}",
                page.path
            );
        }
    }
}

#[test]
fn as_github_does() {
    for block in files("github-actions.md", "yaml") {
        let Some(workflow) = yaml(&block.text) else {
            return;
        };
        let mut pipeline = Pipeline::new();
        let file = pipeline.newcomer.path("github_env");
        fs::write(&file, "").expect("a file");
        std::os::unix::fs::chown(&file, Some(65534), None).unwrap_or_default();
        pipeline
            .newcomer
            .set("GITHUB_ENV", file.to_str().expect("a path"));
        pipeline.newcomer.set("GITHUB_ACTIONS", "true");
        let steps = workflow["jobs"]["deploy"]["steps"].as_array();
        let steps = steps
            .expect("steps")
            .iter()
            .filter_map(|step| step["run"].as_str());
        let steps: Vec<_> = steps.map(str::to_owned).collect();
        pipeline.all(&steps, "github_env");
    }
}

#[test]
fn as_gitlab_does() {
    for block in files("gitlab.md", "yaml") {
        let Some(jobs) = yaml(&block.text) else {
            return;
        };
        // In the order in which the stages are.
        let jobs = ["lock", "deploy", "unlock"].map(|job| &jobs[job]);
        let scripts = jobs.iter().filter(|job| job.is_object()).map(|job| {
            let lines = [list(&job["before_script"]), list(&job["script"])];
            lines.concat().join("\n")
        });
        let scripts: Vec<_> = scripts.collect();
        Pipeline::new().all(&scripts, "lock.env");
    }
}

#[test]
fn as_buildkite_does() {
    for block in files("buildkite.md", "yaml") {
        let Some(pipeline) = yaml(&block.text) else {
            return;
        };
        let step = &pipeline["steps"][0];
        let mut lines = list(&step["commands"]);
        lines.extend(step["command"].as_str());
        Pipeline::new().all(&[lines.join("\n").replace("$$", "$")], "none");
    }
}

#[test]
fn as_jenkins_does() {
    for block in files("jenkins.md", "groovy") {
        let lines = block.text.lines().map(str::trim);
        let steps = lines.filter_map(|line| line.strip_prefix("sh '")?.strip_suffix('\''));
        let steps: Vec<_> = steps.map(str::to_owned).collect();
        assert!(!steps.is_empty());
        Pipeline::new().all(&steps, "none");
    }
}

/// The second pod of a Job does nothing, nor does one while another runs.
#[test]
fn as_kubernetes_does() {
    for block in files("kubernetes.md", "yaml") {
        let Some(job) = yaml(&block.text) else {
            return;
        };
        let pods = &job["spec"]["jobTemplate"]["spec"]["template"]["spec"];
        let command = list(&pods["containers"][0]["command"]).join(" ");
        let of = |slot: &str| command.replace("$(SLOT)", slot).replace("/app/", "./");
        let mut pipeline = Pipeline::new();
        assert_eq!(pipeline.step(&of("report-29400000"), "none"), "report");
        assert_eq!(pipeline.step(&of("report-29400000"), "none"), "");
        let held = "exec genlock run /locks/report sh -c 'echo ready $$; exec sleep 600'";
        let holder = Run::start(pipeline.newcomer.types(held));
        holder.ready();
        assert_eq!(pipeline.step(&of("report-29400015"), "none"), "");
        holder.end();
    }
}

/// What is said of workflows by those who know them, where they can be had.
#[test]
fn as_actionlint_wants_it() {
    if !has("actionlint") {
        return;
    }
    for block in files("github-actions.md", "yaml") {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("workflow.yml");
        let text = format!("name: deploy\non: push\n{}", block.text);
        fs::write(&path, text).expect("a file");
        let mut lint = bare("actionlint");
        lint.arg("-no-color").arg(&path);
        let linted = output(lint);
        assert!(linted.status.success(), "{}", linted.text());
    }
}
