//! The help that teaches, completions, and the configuration that the binary prints.

use crate::program::{command, feed, run};

const SUBCOMMANDS: [&str; 7] = ["demo", "replay", "explain", "export", "run", "config", "completions"];

#[test]
fn help_names_every_subcommand_and_every_exit_code() {
    let help = run(&["--help"]).ended(0).out;
    for subcommand in SUBCOMMANDS {
        assert!(help.contains(subcommand), "{subcommand} is missing in:\n{help}");
    }
    let codes = help.split("Exit codes:").nth(1).expect("exit codes are documented");
    for code in ["  0  ", "  1  ", "  2  ", "  3  ", "  4  "] {
        assert!(codes.contains(code), "{code:?} is missing in:\n{codes}");
    }
}

#[test]
fn help_of_every_subcommand_shows_examples_that_begin_with_it() {
    for subcommand in SUBCOMMANDS {
        let help = run(&[subcommand, "--help"]).ended(0).out;
        let examples = help.split("Examples:").nth(1).unwrap_or_else(|| panic!("{subcommand} has no examples"));
        assert!(examples.contains(&format!("bellbuoy {subcommand}")), "{examples}");
    }
}

/// Every option that an example uses must exist: the examples are run through the real parser.
#[test]
fn examples_are_understood() {
    for subcommand in ["replay", "explain", "export", "run", "demo"] {
        let help = run(&[subcommand, "--help"]).ended(0).out;
        let options: Vec<_> =
            help.split("Examples:").nth(1).unwrap().split_whitespace().filter(|word| word.starts_with("--")).collect();
        let known = help.split("Examples:").next().unwrap();
        for option in options {
            assert!(known.contains(option), "{subcommand}: the example uses {option}, which its options lack");
        }
    }
}

#[test]
fn without_a_subcommand_the_help_is_shown_and_the_code_is_2() {
    let shown = run(&[]).ended(2);
    assert!(shown.err.contains("Usage: bellbuoy"), "{}", shown.err);
}

#[test]
fn completions_are_scripts_of_their_shells() {
    for (shell, mark) in
        [("bash", "complete -F _bellbuoy"), ("zsh", "#compdef bellbuoy"), ("fish", "complete -c bellbuoy")]
    {
        let script = run(&["completions", shell]).ended(0).out;
        assert!(script.contains(mark), "{shell}: no {mark:?}");
        assert!(script.contains("explain"), "{shell} does not complete subcommands");
    }
}

#[test]
fn the_printed_configuration_checks_out_and_decides_like_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bellbuoy.yaml");
    std::fs::write(&file, run(&["config"]).ended(0).out).unwrap();
    let checked = run(&["config", "check", file.to_str().unwrap()]).ended(0).out;
    std::fs::write(&file, "").unwrap();
    let of_nothing = run(&["config", "check", file.to_str().unwrap()]).ended(0).out;
    let hash = |text: &str| text.rsplit("rule set ").next().unwrap().trim().to_owned();
    assert_eq!(hash(&checked).len(), 32);
    assert_eq!(hash(&checked), hash(&of_nothing));
}

#[test]
fn a_wrong_configuration_is_refused_with_its_place_and_the_nearest_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.yaml");
    std::fs::write(&file, "policy:\n  setle: 30s\n").unwrap();
    let file = file.to_str().unwrap();
    for args in [&["config", "check", file][..], &["replay", "-", "--config", file]] {
        let error = run(args).ended(1).err;
        assert!(error.contains("wrong.yaml:2") && error.contains("setle") && error.contains("settle"), "{error}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    use std::io::Read;
    let mut child = command()
        .args(["demo", "--print-recording"])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut few = [0; 100];
    child.stdout.take().unwrap().read_exact(&mut few).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn nothing_to_read_is_no_failure() {
    let empty = feed(&["replay", "-"], b"").ended(0);
    assert!(empty.out.contains("no incident in 0 facts"), "{}", empty.out);
}
