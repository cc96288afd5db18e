//! The one binary: a subcommand per role.

mod account;
mod activate;
mod cli;
mod demo;
mod embedded;
mod exit;
mod expect;
mod explain;
mod export;
mod fold;
mod input;
mod kafka_run;
mod kafka_settings;
mod kafka_source;
mod moment;
mod observed;
mod output;
mod per_partition;
mod place;
mod progress;
mod reading;
mod recordings;
mod replay;
mod report;
mod settings;
mod style;
mod tally;
mod telemetry;

use clap::{CommandFactory, Parser};
use cli::{Cli, Command, ConfigAction, LogFormat};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

/// Facts are made on one thread and let go on another, and a large estate does not fit into the processor's caches: with
/// this allocator, on huge pages (`.cargo/config.toml`), deciding costs a tenth to a quarter less than with that of glibc.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(code) => code.into(),
        // `bellbuoy replay … | head` has seen enough: that is no failure.
        Err(error) if output::is_closed(&error) => exit::Code::Done.into(),
        Err(error) => {
            let code = if error.is::<cli::Misuse>() { exit::Code::Usage } else { exit::Code::Failed };
            // Nothing can be done if nobody listens there either.
            let _ = writeln!(std::io::stderr(), "error: {}", said(&error));
            code.into()
        }
    }
}

/// An error with its causes, each once: many of them name their cause in their own words already.
fn said(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn run(cli: &Cli) -> anyhow::Result<exit::Code> {
    let config = || settings::load(cli.config.as_deref());
    match &cli.command {
        Command::Completions { shell } => completions(*shell),
        Command::Config(args) => match &args.action {
            None => print(bellbuoy_wire::rules::DEFAULT_YAML),
            Some(ConfigAction::Check { file }) => check(file),
            Some(ConfigAction::Activate(args)) => {
                start_log(cli, "warn", LogFormat::Text)?;
                print(&activate::run(args, &config()?)?)
            }
        },
        Command::Demo(args) => {
            start_log(cli, "warn", LogFormat::Text)?;
            demo::run(args, &std::sync::Arc::new(config()?.rule_set()))?;
            Ok(exit::Code::Done)
        }
        Command::Replay(args) => {
            start_log(cli, "warn", LogFormat::Text)?;
            replay::run(args, &config()?, cli.config.is_some())
        }
        Command::Explain(args) => {
            start_log(cli, "warn", LogFormat::Text)?;
            explain::run(args, &config()?, cli.config.is_some())
        }
        Command::Export(args) => {
            start_log(cli, "warn", LogFormat::Text)?;
            export::run(args, &config()?)
        }
        Command::Run(args) => {
            let config = config()?;
            let format = match config.telemetry.log_format {
                bellbuoy_wire::rules::settings::LogFormat::Text => LogFormat::Text,
                bellbuoy_wire::rules::settings::LogFormat::Json => LogFormat::Json,
            };
            start_log(cli, &config.telemetry.log, format)?;
            kafka_run::run(args, &config)?;
            Ok(exit::Code::Done)
        }
    }
}

fn start_log(cli: &Cli, filter: &str, format: LogFormat) -> anyhow::Result<()> {
    telemetry::start_log(cli.log.as_deref().unwrap_or(filter), cli.log_format.unwrap_or(format))
}

fn print(text: &str) -> anyhow::Result<exit::Code> {
    let mut out = output::stdout();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(exit::Code::Done)
}

fn completions(shell: clap_complete::Shell) -> anyhow::Result<exit::Code> {
    // Into memory first: the generator panics when it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "bellbuoy", &mut script);
    print(&String::from_utf8_lossy(&script))
}

fn check(file: &Path) -> anyhow::Result<exit::Code> {
    let rules = settings::load(Some(file))?.rule_set();
    let (signals, edges) = (rules.catalogue.len(), rules.causality.len());
    print(&format!(
        "{} is right: {signals} signals, {edges} causal rules, rule set {}\n",
        file.display(),
        bellbuoy_wire::rules::hash(&rules)
    ))
}
