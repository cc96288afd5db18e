//! The configuration: one annotated YAML file, embedded as the default, of which a user's file changes what it names.

use super::components::ComponentEntries;
use super::edges::{CausalityEntries, Groups, Known, read_groups, unknown_code};
use super::error::{ConfigError, Problem};
use super::node::{self, Node, Value};
use super::section::{Section, read_list};
use super::settings::{Embedded, Kafka, Telemetry};
use super::signals::{SEVERITIES, SignalEntries};
use bellbuoy_core::Text;
use bellbuoy_core::rules::{CausalityRule, ComponentRule, Limits, OwnerRule, Policy, RuleSet, SignalRule, Tier};
use std::sync::OnceLock;

/// The annotated default: the file that a user copies and edits.
pub const DEFAULT_YAML: &str = include_str!("default.yaml");
/// Names a file of the built-in catalogue and holds its text.
macro_rules! catalogue_file {
    ($name:literal) => {
        (concat!("catalogue/", $name, ".yaml"), include_str!(concat!("catalogue/", $name, ".yaml")))
    };
}

/// The built-in catalogue, in the order that counts: within one kind of fact the first entry that fits decides, so that
/// what any kind of object may show (`delivery`), what a sign may show on any kind (`state`) and alerts of any name
/// (`alerts`) come last.
const CATALOGUE: [(&str, &str); 13] = [
    catalogue_file!("images"),
    catalogue_file!("containers"),
    catalogue_file!("network"),
    catalogue_file!("storage"),
    catalogue_file!("scheduling"),
    catalogue_file!("rollouts"),
    catalogue_file!("nodes"),
    catalogue_file!("control_plane"),
    catalogue_file!("monitoring"),
    catalogue_file!("traffic"),
    catalogue_file!("delivery"),
    catalogue_file!("state"),
    catalogue_file!("alerts"),
];
const COMPONENTS_YAML: &str = include_str!("components.yaml");
const GROUPS_YAML: &str = include_str!("causality/groups.yaml");
const CAUSALITY: [(&str, &str); 2] = [
    ("causality/workloads.yaml", include_str!("causality/workloads.yaml")),
    ("causality/cluster.yaml", include_str!("causality/cluster.yaml")),
];

/// Tiers of a policy. Who was told is remembered per incident, and grows with them.
const TIERS_MAX: usize = 20;

/// A configuration: the rules that decide, and the settings that do not.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The cluster's name where a source does not bring one.
    pub cluster: Text,
    /// Limits and waiting times.
    pub limits: Limits,
    /// How incidents become pages.
    pub policy: Policy,
    /// Which team owns an incident; the first rule that matches decides.
    pub owners: Vec<OwnerRule>,
    /// The team for the rest.
    pub default_owner: Text,
    /// Where Kafka is.
    pub kafka: Kafka,
    /// Where the embedded runner keeps its files.
    pub embedded: Embedded,
    /// What the process tells about itself.
    pub telemetry: Telemetry,
    /// Fact → signal: the built-in entries, changed and extended by the user's.
    pub catalogue: Vec<SignalRule>,
    /// Cause → effect, likewise.
    pub causality: Vec<CausalityRule>,
    /// Parts of the cluster that everything else leans on, likewise.
    pub components: Vec<ComponentRule>,
    /// Signals that causal rules name together. They are expanded when an edge is read, so that no rule set holds them.
    groups: Groups,
}

impl Default for Config {
    /// The embedded files. That nothing in them is wrong is tested; [`Config::load`] would report it.
    fn default() -> Self {
        Self::built_in(&mut Vec::new())
    }
}

impl Config {
    /// Reads a user's file over the defaults. `file_name` is what complaints call it.
    ///
    /// Keys that the file does not name keep their defaults. Lists (`tiers`, `owners`) are replaced as a whole;
    /// `catalogue`, `components` and `causality` change the entries that they name and add the others.
    ///
    /// # Errors
    /// [`ConfigError`] with everything that is wrong, in the order of the file.
    pub fn load(text: &str, file_name: &str) -> Result<Self, ConfigError> {
        let mut problems = Vec::new();
        let mut config = Self::built_in(&mut problems);
        config.read_file(text, file_name, false, &mut problems);
        if problems.is_empty() { Ok(config) } else { Err(ConfigError { problems }) }
    }

    /// Everything in it that can influence a decision.
    pub fn rule_set(&self) -> RuleSet {
        RuleSet {
            catalogue: self.catalogue.clone(),
            causality: self.causality.clone(),
            components: self.components.clone(),
            owners: self.owners.clone(),
            default_owner: self.default_owner.clone(),
            policy: self.policy.clone(),
            limits: self.limits,
        }
    }

    /// The embedded files, read once: they are the same every time.
    fn built_in(problems: &mut Vec<Problem>) -> Self {
        static BUILT_IN: OnceLock<(Config, Vec<Problem>)> = OnceLock::new();
        let (config, wrong) = BUILT_IN.get_or_init(|| {
            let mut wrong = Vec::new();
            (Self::read_built_in(&mut wrong), wrong)
        });
        problems.extend(wrong.iter().cloned());
        config.clone()
    }

    fn read_built_in(problems: &mut Vec<Problem>) -> Self {
        let mut config = Self {
            cluster: "".into(),
            limits: Limits::default(),
            policy: Policy::default(),
            owners: Vec::new(),
            default_owner: "".into(),
            kafka: Kafka::default(),
            embedded: Embedded::default(),
            telemetry: Telemetry::default(),
            catalogue: Vec::new(),
            causality: Vec::new(),
            components: Vec::new(),
            groups: Groups::new(),
        };
        let mut signals = SignalEntries::default();
        for (name, text) in CATALOGUE {
            in_file(text, &format!("built-in {name}"), problems, |root, problems| {
                read_list(root, problems, |entry| signals.read(&[], entry));
            });
        }
        signals.merge_into(&mut config.catalogue);
        in_file(COMPONENTS_YAML, "built-in components.yaml", problems, |root, problems| {
            let mut entries = ComponentEntries::default();
            read_list(root, problems, |entry| entries.read(&[], entry));
            entries.merge_into(&mut config.components);
        });
        in_file(GROUPS_YAML, "built-in causality/groups.yaml", problems, |root, problems| {
            Section::read(root, String::new(), false, problems, |section| {
                config.groups = read_groups(section, &config.catalogue);
            });
        });
        let mut edges = CausalityEntries::default();
        for (name, text) in CAUSALITY {
            in_file(text, &format!("built-in {name}"), problems, |root, problems| {
                read_list(root, problems, |entry| edges.read(config.known(), &[], entry));
            });
        }
        edges.merge_into(&mut config.causality);
        config.read_file(DEFAULT_YAML, "built-in default.yaml", true, problems);
        config
    }

    fn read_file(&mut self, text: &str, file_name: &str, complete: bool, problems: &mut Vec<Problem>) {
        in_file(text, file_name, problems, |root, problems| {
            Section::read(root, String::new(), complete, problems, |top| self.read(top));
        });
    }

    fn read(&mut self, top: &mut Section<'_>) {
        top.scalar("cluster", &mut self.cluster, |text| {
            // A name of this length still fits into every key that it becomes part of.
            let fits = (1..=253).contains(&text.len()) && !text.contains(|c: char| c.is_control() || c.is_whitespace());
            if fits { Ok(text.into()) } else { Err("a name of 1 to 253 bytes without blanks".to_owned()) }
        });
        top.section("limits", |section| read_limits(section, &mut self.limits));
        // The signals first: owners and edges name them.
        let mut signals = SignalEntries::default();
        if !is_null(top, "catalogue") {
            top.list("catalogue", |entry| signals.read(&self.catalogue, entry));
        }
        signals.merge_into(&mut self.catalogue);
        let mut components = ComponentEntries::default();
        if !is_null(top, "components") {
            top.list("components", |entry| components.read(&self.components, entry));
        }
        components.merge_into(&mut self.components);
        let mut edges = CausalityEntries::default();
        if !is_null(top, "causality") {
            top.list("causality", |entry| edges.read(self.known(), &self.causality, entry));
        }
        edges.merge_into(&mut self.causality);
        top.section("policy", |section| read_policy(section, &mut self.policy));
        let mut owners = Vec::new();
        if top.list("owners", |section| owners.push(read_owner(section, &self.catalogue))) {
            self.owners = owners;
        }
        top.name("default_owner", &mut self.default_owner);
        top.section("kafka", |section| self.kafka.read(section));
        top.section("embedded", |section| self.embedded.read(section));
        top.section("telemetry", |section| self.telemetry.read(section));
    }

    /// What an edge may name.
    fn known(&self) -> Known<'_> {
        Known { catalogue: &self.catalogue, components: &self.components, groups: &self.groups }
    }
}

/// Reads a file, and puts its problems into its own order, under its own name.
pub(crate) fn in_file(
    text: &str,
    name: &str,
    problems: &mut Vec<Problem>,
    read: impl FnOnce(&Node, &mut Vec<Problem>),
) {
    let mut found = Vec::new();
    match node::parse(text) {
        Ok(root) => read(&root, &mut found),
        Err(problem) => found.push(problem),
    }
    found.sort_by_key(|problem| problem.at);
    problems.extend(found.into_iter().map(|problem| Problem { file: name.to_owned(), ..problem }));
}

/// A key whose entries are all commented out; as good as none, and asked for either way.
fn is_null(section: &mut Section<'_>, key: &'static str) -> bool {
    section.peek(key).is_some_and(|node| node.value == Value::Null) && section.get(key).is_some()
}

fn read_limits(section: &mut Section<'_>, limits: &mut Limits) {
    section.count("objects_max", 1_000, 100_000_000, &mut limits.objects_max);
    section.count("episodes_max", 100, 10_000_000, &mut limits.episodes_max);
    section.count("ended_incidents_max", 1, 1_000_000, &mut limits.ended_incidents_max);
    section.count("members_shown", 1, 1_000, &mut limits.members_shown);
    section.count("timeline_max", 1, 1_000, &mut limits.timeline_max);
    section.count("infer_from", 2, 1_000, &mut limits.infer_from);
    section.duration("reopen_within", &mut limits.reopen_within);
    section.duration("update_every", &mut limits.update_every);
}

fn read_policy(section: &mut Section<'_>, policy: &mut Policy) {
    section.name("name", &mut policy.name);
    section.choice("page_from", &SEVERITIES, &mut policy.page_from);
    section.duration("settle", &mut policy.settle);
    let mut tiers = Vec::new();
    let read = section.list("tiers", |section| {
        section.require(&["receiver", "channel", "ack_timeout"]);
        let mut tier = Tier::default();
        // Empty is allowed: a tier that nobody fills at present is passed by at once.
        section.text("receiver", &mut tier.receiver);
        section.name("channel", &mut tier.channel);
        section.positive_duration("ack_timeout", &mut tier.ack_timeout);
        tiers.push(tier);
    });
    if tiers.len() > TIERS_MAX {
        section.complain("tiers", format!("expected at most {TIERS_MAX} tiers, found {}", tiers.len()));
    }
    if read && tiers.iter().all(|tier| tier.receiver.is_empty()) {
        section.complain("tiers", "expected at least one tier with a receiver: otherwise nobody is ever paged");
    }
    if read {
        policy.tiers = tiers;
    }
}

fn read_owner(section: &mut Section<'_>, catalogue: &[SignalRule]) -> OwnerRule {
    section.require(&["name", "owner"]);
    let mut rule = OwnerRule::default();
    section.name("name", &mut rule.name);
    section.text("area", &mut rule.area);
    section.text("namespace", &mut rule.namespace);
    if rule.namespace.trim_end_matches('*').contains('*') {
        section.complain("namespace", format!("expected a namespace or a prefix and *, found {:?}", rule.namespace));
    }
    section.text("kind", &mut rule.kind);
    section.text("signal", &mut rule.signal);
    if let Some(text) = unknown_code(catalogue, &rule.signal).filter(|_| !rule.signal.is_empty()) {
        section.complain("signal", text);
    }
    section.name("owner", &mut rule.owner);
    rule
}
