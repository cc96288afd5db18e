//! Entries of the causality as people write them: which signal explains which, and how the two entities hang together.

use super::error::Position;
use super::scalar;
use super::section::Section;
use bellbuoy_core::Text;
use bellbuoy_core::rules::{CausalityRule, ComponentRule, Relation, SignalRule};
use bellbuoy_core::time::Span;

const RELATIONS: [(&str, Relation); 14] = [
    ("same", Relation::Same),
    ("node", Relation::Node),
    ("service-backend", Relation::ServiceBackend),
    ("image", Relation::Image),
    ("registry", Relation::Registry),
    ("namespace", Relation::Namespace),
    ("reference", Relation::Reference),
    ("referrer", Relation::Referrer),
    ("call", Relation::Call),
    ("node-agent", Relation::NodeAgent),
    ("cluster", Relation::Cluster),
    ("some-node", Relation::SomeNode),
    ("within", Relation::Within),
    ("sidecar", Relation::Sidecar),
];

/// What an entry of a new rule leaves out: a middling edge whose effect shows within ten minutes.
fn blank() -> CausalityRule {
    let minutes = |minutes: i64| Span::from_secs(60 * minutes);
    CausalityRule { delay_max: minutes(10), lead_max: minutes(2), strength: 50, ..CausalityRule::default() }
}

/// Signals that causal rules name together: `@pod-fails` stands for all of them.
pub(crate) type Groups = Vec<(Text, Vec<Text>)>;

/// What an entry may name.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    /// Signals.
    pub(crate) catalogue: &'a [SignalRule],
    /// Components.
    pub(crate) components: &'a [ComponentRule],
    /// Groups of signals.
    pub(crate) groups: &'a Groups,
}

/// Reads the groups: names, each with a list of signals and of groups that stand above it.
pub(crate) fn read_groups(section: &mut Section<'_>, catalogue: &[SignalRule]) -> Groups {
    let mut groups = Groups::new();
    for name in section.names() {
        let known = Known { catalogue, components: &[], groups: &groups };
        let codes = section.texts_at(&name).map(|found| expanded(section, &name, known, found)).unwrap_or_default();
        groups.push((name.into(), codes));
    }
    groups
}

/// Reads one file's or section's entries over the causality there is. An entry of a known name changes the fields that
/// it names; new ones come after those that were there.
#[derive(Default)]
pub(crate) struct CausalityEntries {
    entries: Vec<CausalityRule>,
}

impl CausalityEntries {
    /// Reads an entry. Catalogue, components and groups must be complete: only what they hold may stand here.
    pub(crate) fn read(&mut self, known: Known<'_>, causality: &[CausalityRule], section: &mut Section<'_>) {
        let problems_before = section.problem_count();
        let mut name: Text = "".into();
        section.name("name", &mut name);
        section.require(&["name"]);
        if self.entries.iter().any(|entry| entry.name == name) {
            section.complain("name", format!("the name {name:?} stands in this list a second time"));
        }
        let old = causality.iter().find(|rule| rule.name == name);
        if old.is_none() {
            section.require(&["causes", "effects", "relation", "says"]);
        }
        let mut rule = old.cloned().unwrap_or_else(blank);
        rule.name = name;
        codes(section, "causes", known, &mut rule.causes);
        component_names(section, known.components, &mut rule.components);
        codes(section, "effects", known, &mut rule.effects);
        section.scalar("pattern", &mut rule.pattern, |text| scalar::pattern(text).map(|_| text.into()));
        section.choice("relation", &RELATIONS, &mut rule.relation);
        section.duration("delay_max", &mut rule.delay_max);
        section.duration("lead_max", &mut rule.lead_max);
        section.scalar("strength", &mut rule.strength, |text| {
            i32::try_from(scalar::count(text, 1, 1_000)?).map_err(|error| error.to_string())
        });
        section.flag("infer", &mut rule.infer);
        section.count("infer_from", 1, 1_000, &mut rule.infer_from);
        section.name("says", &mut rule.says);
        let is_unbounded = rule.relation == Relation::Cluster && rule.components.is_empty() && rule.pattern.is_empty();
        if is_unbounded && section.problem_count() == problems_before {
            // Without either, any pod's trouble would explain any other's.
            section.complain("relation", "expected components or a pattern beside cluster, which reaches everything");
        }
        self.entries.push(rule);
    }

    /// Puts the entries into the causality.
    pub(crate) fn merge_into(self, causality: &mut Vec<CausalityRule>) {
        for entry in self.entries {
            match causality.iter_mut().find(|rule| rule.name == entry.name) {
                Some(rule) => *rule = entry,
                None => causality.push(entry),
            }
        }
    }
}

fn codes(section: &mut Section<'_>, key: &'static str, known: Known<'_>, target: &mut Vec<Text>) {
    if let Some(found) = section.texts(key) {
        *target = expanded(section, key, known, found);
    }
}

fn component_names(section: &mut Section<'_>, known: &[ComponentRule], target: &mut Vec<Text>) {
    let Some(found) = section.texts("components") else { return };
    for (name, at) in &found {
        if known.iter().any(|component| component.name == *name) {
            continue;
        }
        let text = match scalar::nearest(name, known.iter().map(|component| &*component.name)) {
            Some(near) => format!("there is no component {name:?}; did you mean {near}?"),
            None => format!("there is no component {name:?}"),
        };
        section.complain_at(*at, "components", text);
    }
    *target = found.into_iter().map(|(name, _)| name).collect();
}

/// The codes that a list stands for, each once: `@name` is a group, `Code/*` are the reasons of a code.
fn expanded(section: &mut Section<'_>, key: &str, known: Known<'_>, found: Vec<(Text, Position)>) -> Vec<Text> {
    let mut codes: Vec<Text> = Vec::new();
    for (word, at) in found {
        let added: Vec<Text> = if let Some(name) = word.strip_prefix('@') {
            match known.groups.iter().find(|(group, _)| **group == *name) {
                Some((_, members)) => members.clone(),
                None => {
                    let near = scalar::nearest(name, known.groups.iter().map(|(group, _)| &**group));
                    let hint = near.map(|near| format!("; did you mean @{near}?")).unwrap_or_default();
                    section.complain_at(at, key, format!("there is no group {word:?}{hint}"));
                    Vec::new()
                }
            }
        } else if let Some(stem) = word.strip_suffix('*').filter(|stem| stem.ends_with('/')) {
            let reasons = known.catalogue.iter().filter(|rule| rule.code.starts_with(stem));
            let reasons: Vec<Text> = reasons.map(|rule| rule.code.clone()).collect();
            if reasons.is_empty() {
                section.complain_at(at, key, format!("the catalogue has no signal that begins with {stem:?}"));
            }
            reasons
        } else {
            unknown_code(known.catalogue, &word).into_iter().for_each(|text| section.complain_at(at, key, text));
            vec![word]
        };
        added.into_iter().for_each(|code| {
            if !codes.contains(&code) {
                codes.push(code);
            }
        });
    }
    codes
}

/// What is wrong with a signal code, if anything is.
pub(crate) fn unknown_code(catalogue: &[SignalRule], code: &str) -> Option<String> {
    if catalogue.iter().any(|rule| &*rule.code == code) {
        return None;
    }
    Some(match scalar::nearest(code, catalogue.iter().map(|rule| &*rule.code)) {
        Some(near) => format!("the catalogue has no signal {code:?}; did you mean {near}?"),
        None => format!("the catalogue has no signal {code:?}"),
    })
}
