//! A link to the CI job that runs us, from the variables by which its system tells.

/// The link; `None` if we run in none that is known. `variable` gives a variable that is set.
pub(super) fn link(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let is = |name: &str, value: &str| variable(name).is_some_and(|found| found == value);
    let all: [&dyn Fn() -> Option<String>; 5] = [
        // https://docs.github.com/en/actions/reference/variables-reference. Gitea and Forgejo set the same
        // variables, but their pages go by other numbers in some versions.
        &|| {
            let others = ["GITEA_ACTIONS", "FORGEJO_ACTIONS"];
            let is_github = is("GITHUB_ACTIONS", "true")
                && others.iter().all(|other| variable(other).is_none());
            is_github.then_some(())?;
            let server = variable("GITHUB_SERVER_URL")?;
            let (repository, run) = (variable("GITHUB_REPOSITORY")?, variable("GITHUB_RUN_ID")?);
            Some(format!("{server}/{repository}/actions/runs/{run}"))
        },
        // https://docs.gitlab.com/ci/variables/predefined_variables
        &|| variable("GITLAB_CI").and_then(|_| variable("CI_JOB_URL")),
        // https://www.jenkins.io/doc/book/pipeline/jenkinsfile, "Using environment variables": both are set
        // if Jenkins knows its own address.
        &|| variable("JENKINS_URL").and_then(|_| variable("BUILD_URL")),
        // https://buildkite.com/docs/pipelines/configure/environment-variables; the page of a build has its
        // jobs under their ids.
        &|| {
            let build = variable("BUILDKITE").and_then(|_| variable("BUILDKITE_BUILD_URL"))?;
            Some(match variable("BUILDKITE_JOB_ID") {
                Some(job) => format!("{build}#{job}"),
                None => build,
            })
        },
        // https://woodpecker-ci.org/docs/usage/environment. The step's is not in all versions.
        &|| {
            let is_woodpecker = is("CI", "woodpecker");
            is_woodpecker.then_some(())?;
            variable("CI_STEP_URL").or_else(|| variable("CI_PIPELINE_URL"))
        },
    ];
    let mut links = all.iter().filter_map(|link| link());
    links.find(|link| is_link(link))
}

/// Whether it is one that can be shown to all: a web page, without a password in its address.
fn is_link(text: &str) -> bool {
    let rest = ["https://", "http://"].iter();
    let rest = rest.filter_map(|scheme| text.strip_prefix(scheme)).next();
    rest.is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        !host.is_empty() && !host.contains('@') && text.chars().all(|c| c.is_ascii_graphic())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Option<String> {
        link(|name| {
            let mut found = variables.iter().filter(|(known, _)| *known == name);
            found.next().map(|(_, value)| (*value).to_owned())
        })
    }

    const GITHUB: [(&str, &str); 4] = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_REPOSITORY", "acme/shop"),
        ("GITHUB_RUN_ID", "1658821493"),
    ];

    #[test]
    fn each_system_has_its_own() {
        let runs: [(&[_], _); 5] = [
            (
                &GITHUB,
                "https://github.com/acme/shop/actions/runs/1658821493",
            ),
            (
                &[
                    ("GITLAB_CI", "true"),
                    ("CI_JOB_URL", "https://gitlab.com/a/b/-/jobs/1"),
                    ("CI_PIPELINE_URL", "https://gitlab.com/a/b/-/pipelines/7"),
                ],
                "https://gitlab.com/a/b/-/jobs/1",
            ),
            (
                &[
                    ("JENKINS_URL", "http://ci:8080/"),
                    ("BUILD_URL", "http://ci:8080/job/foo/15/"),
                ],
                "http://ci:8080/job/foo/15/",
            ),
            (
                &[
                    ("BUILDKITE", "true"),
                    ("BUILDKITE_BUILD_URL", "https://buildkite.com/a/b/builds/5"),
                    ("BUILDKITE_JOB_ID", "e44f9784"),
                ],
                "https://buildkite.com/a/b/builds/5#e44f9784",
            ),
            (
                &[
                    ("CI", "woodpecker"),
                    ("CI_PIPELINE_URL", "https://ci.example/repos/7/pipeline/8"),
                ],
                "https://ci.example/repos/7/pipeline/8",
            ),
        ];
        for (variables, expected) in runs {
            assert_eq!(of(variables).as_deref(), Some(expected));
        }
    }

    #[test]
    fn there_is_none_where_it_could_be_wrong_or_has_a_password() {
        for variables in [
            &[("BUILD_URL", "https://x/y")][..],
            &[("CI", "true"), ("CI_PIPELINE_URL", "https://x/y")],
            &GITHUB[..3],
            &[&GITHUB[..], &[("GITEA_ACTIONS", "true")]].concat(),
            &[("GITLAB_CI", "true"), ("CI_JOB_URL", "https://u:p@x/y")],
            &[("GITLAB_CI", "true"), ("CI_JOB_URL", "https://x/\x1b[2J")],
            &[("GITLAB_CI", "true"), ("CI_JOB_URL", "javascript:x")],
            &[],
        ] {
            assert_eq!(of(variables), None, "{variables:?}");
        }
    }
}
