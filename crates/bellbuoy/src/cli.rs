//! The command line: every subcommand, its options, and the help that teaches them.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Finds the few incidents in what a Kubernetes estate says about itself, and says what probably caused each one.
#[derive(Debug, Parser)]
#[command(
    name = "bellbuoy",
    version,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100,
    after_long_help = concat!(
        "Examples:\n",
        "  bellbuoy demo                                  a hand-made bad hour, played in half a minute\n",
        "  kubectl get events,pods,nodes -A -o json | bellbuoy replay -\n",
        "  bellbuoy replay support-bundle/ --format json | jq .causes[0]\n",
        "  bellbuoy explain inc-5f0c support-bundle/      why one incident, why this cause, why this page\n",
        "\n",
        "Exit codes:\n",
        "  0  done; whether incidents were found makes no difference\n",
        "  1  failed: the last line on standard error says what, where, and what would have been right\n",
        "  2  the command line was wrong\n",
        "  3  done, but input was rejected and --strict was given\n",
        "  4  done, but the score of --expect is below --fail-under\n",
    )
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// The configuration; what it does not name keeps the default (`bellbuoy config` prints it).
    #[arg(long, global = true, value_name = "FILE", env = "BELLBUOY_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// What goes to the log on standard error, as `warn`, `info` or `bellbuoy_kafka=debug,info`.
    #[arg(long, global = true, value_name = "FILTER", env = "BELLBUOY_LOG")]
    pub(crate) log: Option<String>,
    /// How the log is written; `run` takes the configuration's `telemetry.log_format` otherwise.
    #[arg(long, global = true, value_name = "FORMAT", env = "BELLBUOY_LOG_FORMAT")]
    pub(crate) log_format: Option<LogFormat>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Plays a hand-made bad hour through the whole embedded pipeline.
    #[command(after_long_help = concat!(
        "The hour is a hand-made recording that the program carries. It goes through the same durable log and the\n",
        "same stages as a real one, in a temporary directory unless --data-dir names one to keep.\n",
        "\n",
        "Examples:\n",
        "  bellbuoy demo                             live view, an hour in about half a minute\n",
        "  bellbuoy demo --speed 10                  ten minutes in one\n",
        "  bellbuoy demo --speed max | less          plain lines, as fast as it goes\n",
        "  bellbuoy demo --data-dir hour             keep the log, then: bellbuoy explain inc-… --data-dir hour\n",
        "  bellbuoy demo --print-recording > hour.jsonl   the recording itself\n",
    ))]
    Demo(DemoArgs),
    /// Folds recordings through all stages and prints the incidents and the pages that would have gone out.
    #[command(after_long_help = concat!(
        "A SOURCE is a file, a folder that is walked, `-` for standard input, or kafka://HOST:PORT/TOPIC. Understood\n",
        "are what people have: `kubectl get -o json|yaml` lists and single objects, EventLists, lines of objects or of\n",
        "watch notifications, Alertmanager webhooks, the array of GET /api/v2/alerts, answers of the API of Prometheus,\n",
        "what event exporters write and search engines and log stores return, support bundles, dictionaries of the\n",
        "Python client, the tables of events, pods and nodes that `kubectl get` prints, the Events of `kubectl\n",
        "describe`, and archives made by `bellbuoy export`; plain or gzip, xz, zstd. What cannot be used is counted\n",
        "and explained at the end.\n",
        "A replay pages nobody: it holds nothing that could.\n",
        "\n",
        "Examples:\n",
        "  kubectl get events,pods,nodes,deploy,rs -A -o json | bellbuoy replay -\n",
        "  bellbuoy replay bundle.tar.gz alerts.json --cluster prod-eu\n",
        "  bellbuoy replay dump.json --as-of 2026-03-17T10:00:00Z\n",
        "  bellbuoy replay kafka://broker:9092/bellbuoy.journal --from 2h\n",
        "  bellbuoy replay day.avro --config stricter.yaml --format json | jq 'select(.severity == \"P1\")'\n",
        "  bellbuoy replay day.avro --expect labels.yaml --fail-under detected=1,top1=0.95\n",
        "\n",
        "The labels of --expect are a YAML list of what people know of that time:\n",
        "  - name: cart out of memory                  # what you call it; only the entity must be there\n",
        "    cluster: prod-eu\n",
        "    entity: {kind: Deployment, namespace: shop, name: cart}    # what was at fault\n",
        "    signal: OOMKilled                         # how: a code, or what stands before its slash\n",
        "    accept: [{kind: Node, name: worker-3}]    # further entities that would be right\n",
        "    signals: [CrashLoopBackOff]               # further signals that would be right\n",
        "    from: 2026-03-17T10:00:00Z                # when it began, and when it was over\n",
        "    to: 2026-03-17T10:40:00Z\n",
        "  - healthy: true                             # nothing above P5 may be open then\n",
        "    from: 2026-03-17T12:00:00Z\n",
        "\n",
        "Exit codes: 0 done, 1 failed, 2 wrong command line, 3 done but input was rejected and --strict\n",
        "was given, 4 done but the score is below what --fail-under asks for.\n",
    ))]
    Replay(ReplayArgs),
    /// Says why an incident is one incident, why this cause, this severity and these pages, with the facts.
    #[command(after_long_help = concat!(
        "The incident may be given by any beginning of its id that fits only one: inc-5f0c or 5f0c.\n",
        "\n",
        "Examples:\n",
        "  bellbuoy explain inc-5f0c hour.jsonl\n",
        "  bellbuoy explain 5f0c --data-dir /var/lib/bellbuoy\n",
        "  bellbuoy explain 5f0c kafka://broker:9092/bellbuoy.journal --from 6h\n",
    ))]
    Explain(ExplainArgs),
    /// Writes the journal to an archive: an Avro object container file that `replay` reads.
    #[command(after_long_help = concat!(
        "Examples:\n",
        "  bellbuoy export --data-dir /var/lib/bellbuoy -o day.avro --from 2026-03-17 --to 2026-03-18\n",
        "  bellbuoy export kafka://broker:9092/bellbuoy.journal --from 24h -o day.avro\n",
        "  bellbuoy export support-bundle/ -o bundle.avro     raw recordings, decoded and put in order\n",
    ))]
    Export(ExportArgs),
    /// Runs one stage on Apache Kafka until it is told to stop.
    #[command(after_long_help = concat!(
        "Start as many as there are partitions; a copy that dies is taken over by the others. SIGTERM and SIGINT commit\n",
        "what was applied and leave the group. Topics are created where they are missing and checked where they exist.\n",
        "\n",
        "Examples:\n",
        "  bellbuoy run correlate --bootstrap-servers broker:9092\n",
        "  bellbuoy run classify --config bellbuoy.yaml --log-format json\n",
        "  BELLBUOY_MEMBER_ID=escalate-0 KAFKA_BOOTSTRAP_SERVERS=broker:9092 bellbuoy run escalate\n",
        "\n",
        "Metrics have OpenTelemetry's names and units; they are written to the log, a structured line for each, every\n",
        "`telemetry.metrics_every` of the configuration, and once more at the end.\n",
    ))]
    Run(RunArgs),
    /// Prints the annotated default configuration, or checks one.
    #[command(after_long_help = concat!(
        "Examples:\n",
        "  bellbuoy config > bellbuoy.yaml\n",
        "  bellbuoy config check bellbuoy.yaml\n",
    ))]
    Config(ConfigArgs),
    /// Prints completions for a shell.
    #[command(after_long_help = concat!(
        "Examples:\n",
        "  bellbuoy completions bash > /etc/bash_completion.d/bellbuoy\n",
        "  bellbuoy completions zsh > \"${fpath[1]}/_bellbuoy\"\n",
        "  bellbuoy completions fish > ~/.config/fish/completions/bellbuoy.fish\n",
    ))]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For a person at 3 a.m.
    Text,
    /// One JSON object per incident and line; schemas/incident-report.schema.json describes it.
    Json,
}

/// Which recordings, and which part of them.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct SourceArgs {
    /// Files, folders, `-` for standard input, or kafka://HOST:PORT/TOPIC.
    #[arg(value_name = "SOURCE")]
    pub(crate) sources: Vec<String>,
    /// The cluster that raw recordings speak of; archives and topics know their own.
    #[arg(long, value_name = "NAME")]
    pub(crate) cluster: Option<String>,
    /// When dumped states were taken; by default the latest time at which they say that something was observed.
    #[arg(long, value_name = "TIME", value_parser = crate::moment::parse)]
    pub(crate) as_of: Option<bellbuoy_core::time::Time>,
    /// Leave out what was observed before: 2026-03-17T09:00:00Z, 2026-03-17, or 2h for two hours ago.
    #[arg(long, value_name = "TIME", value_parser = crate::moment::parse)]
    pub(crate) from: Option<bellbuoy_core::time::Time>,
    /// Leave out what was observed at or after this time.
    #[arg(long, value_name = "TIME", value_parser = crate::moment::parse)]
    pub(crate) to: Option<bellbuoy_core::time::Time>,
}

/// `bellbuoy replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// What to replay.
    #[command(flatten)]
    pub(crate) from: SourceArgs,
    /// How the incidents are printed.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: ReportFormat,
    /// Print incidents too that turned out to be part of another one.
    #[arg(long)]
    pub(crate) all: bool,
    /// Score the replay against what is known to have failed, and print that instead of the incidents; as JSON it is one
    /// object.
    #[arg(long, value_name = "LABELS", conflicts_with = "all")]
    pub(crate) expect: Option<PathBuf>,
    /// End with exit code 4 if a share of the score is below this: detected, precision, top1, top3, top1-signal,
    /// top3-signal.
    #[arg(long, value_name = "FIGURE=SHARE,…", value_delimiter = ',', requires = "expect")]
    pub(crate) fail_under: Vec<crate::expect::Floor>,
    /// End with exit code 3 if any input was rejected.
    #[arg(long)]
    pub(crate) strict: bool,
}

/// `bellbuoy explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// The incident's id, or the beginning of it.
    #[arg(value_name = "INCIDENT")]
    pub(crate) incident: String,
    /// Where its journal is.
    #[command(flatten)]
    pub(crate) from: SourceArgs,
    /// The data directory of the embedded log, instead of sources.
    #[arg(long, value_name = "DIR", conflicts_with = "sources")]
    pub(crate) data_dir: Option<PathBuf>,
}

/// `bellbuoy export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// What to export.
    #[command(flatten)]
    pub(crate) from: SourceArgs,
    /// The data directory of the embedded log, instead of sources.
    #[arg(long, value_name = "DIR", conflicts_with = "sources")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The archive; `-` for standard output. An existing file is not overwritten without --force.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Overwrite an existing archive.
    #[arg(long)]
    pub(crate) force: bool,
    /// End with exit code 3 if any input was rejected.
    #[arg(long)]
    pub(crate) strict: bool,
}

/// `bellbuoy demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// How many seconds of the recording pass in one second, or `max`; 120 on a terminal, else max.
    #[arg(long, value_name = "N|max")]
    pub(crate) speed: Option<Speed>,
    /// Keep the embedded log in this directory, which must be new or empty.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Print the recording itself, as JSON lines, and do nothing else.
    #[arg(long)]
    pub(crate) print_recording: bool,
}

/// How fast a recording is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Speed {
    /// So many times as fast as it was recorded.
    Times(f64),
    /// As fast as it goes.
    Max,
}

impl std::str::FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        match text.trim_end_matches('x').parse::<f64>() {
            Ok(times) if times.is_finite() && times >= 0.1 => Ok(Self::Times(times)),
            _ => Err("expected `max` or a number of at least 0.1, as 120 for two minutes in a second".to_owned()),
        }
    }
}

/// `bellbuoy run`.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The stage.
    #[arg(value_name = "STAGE")]
    pub(crate) stage: StageName,
    /// Brokers to begin with, as host:port,host:port; else the configuration's `kafka.bootstrap_servers`.
    #[arg(long, value_name = "HOSTS", env = "KAFKA_BOOTSTRAP_SERVERS")]
    pub(crate) bootstrap_servers: Option<String>,
    /// What the names of all topics begin with; else the configuration's.
    #[arg(long, value_name = "PREFIX", env = "BELLBUOY_TOPIC_PREFIX")]
    pub(crate) topic_prefix: Option<String>,
    /// The name of this copy within its stage, kept over restarts, so that it gets its partitions back at once; two
    /// running copies must not share it. By default the host's name.
    #[arg(long, value_name = "NAME", env = "BELLBUOY_MEMBER_ID")]
    pub(crate) member_id: Option<String>,
}

/// A stage that `run` knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StageName {
    /// journal → incidents
    Correlate,
    /// incidents → triaged
    Classify,
    /// triaged → pages
    Escalate,
}

/// `bellbuoy config`.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// What to do with a configuration; without it the default one is printed.
    #[command(subcommand)]
    pub(crate) action: Option<ConfigAction>,
}

/// What can be done with a configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// Reads a configuration and says what is wrong with it, if anything.
    Check {
        /// The file.
        file: PathBuf,
    },
    /// Writes the rules of the configuration into the journal on Kafka: from there on the named clusters are decided by
    /// them. A cluster keeps the rules that its journal named last, whatever a stage is started with.
    Activate(ActivateArgs),
}

/// `bellbuoy config activate`.
#[derive(Debug, Args)]
pub(crate) struct ActivateArgs {
    /// The clusters, as their facts name them.
    #[arg(value_name = "CLUSTER", required = true)]
    pub(crate) clusters: Vec<String>,
    /// Brokers to begin with, as host:port,host:port; else the configuration's `kafka.bootstrap_servers`.
    #[arg(long, value_name = "HOSTS", env = "KAFKA_BOOTSTRAP_SERVERS")]
    pub(crate) bootstrap_servers: Option<String>,
    /// What the names of all topics begin with; else the configuration's.
    #[arg(long, value_name = "PREFIX", env = "BELLBUOY_TOPIC_PREFIX")]
    pub(crate) topic_prefix: Option<String>,
}

/// A command line that only turned out to be wrong when it was run.
#[derive(Debug)]
pub(crate) struct Misuse(pub(crate) String);

impl std::fmt::Display for Misuse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misuse {}
