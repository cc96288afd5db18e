//! Entries of the causality as people write them: which signal explains which, and how the two entities hang together.

use super::scalar;
use super::section::Section;
use bellbuoy_core::Text;
use bellbuoy_core::rules::{CausalityRule, Relation, SignalRule};
use bellbuoy_core::time::Span;

const RELATIONS: [(&str, Relation); 11] = [
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
];

/// What an entry of a new rule leaves out: a middling edge whose effect shows within ten minutes.
fn blank() -> CausalityRule {
    let minutes = |minutes: i64| Span::from_secs(60 * minutes);
    CausalityRule { delay_max: minutes(10), lead_max: minutes(2), strength: 50, ..CausalityRule::default() }
}

/// Reads one file's or section's entries over the causality there is. An entry of a known name changes the fields that
/// it names; new ones come after those that were there.
#[derive(Default)]
pub(crate) struct CausalityEntries {
    entries: Vec<CausalityRule>,
}

impl CausalityEntries {
    /// Reads an entry. The catalogue must be complete: its codes are the only ones that may stand here.
    pub(crate) fn read(&mut self, catalogue: &[SignalRule], causality: &[CausalityRule], section: &mut Section<'_>) {
        let mut name: Text = "".into();
        section.name("name", &mut name);
        section.require(&["name"]);
        if self.entries.iter().any(|entry| entry.name == name) {
            section.complain("name", format!("the name {name:?} stands in this list a second time"));
        }
        let known = causality.iter().find(|rule| rule.name == name);
        if known.is_none() {
            section.require(&["causes", "effects", "relation", "says"]);
        }
        let mut rule = known.cloned().unwrap_or_else(blank);
        rule.name = name;
        codes(section, "causes", catalogue, &mut rule.causes);
        codes(section, "effects", catalogue, &mut rule.effects);
        section.choice("relation", &RELATIONS, &mut rule.relation);
        section.duration("delay_max", &mut rule.delay_max);
        section.duration("lead_max", &mut rule.lead_max);
        section.scalar("strength", &mut rule.strength, |text| {
            i32::try_from(scalar::count(text, 1, 1_000)?).map_err(|error| error.to_string())
        });
        section.flag("infer", &mut rule.infer);
        section.name("says", &mut rule.says);
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

fn codes(section: &mut Section<'_>, key: &'static str, catalogue: &[SignalRule], target: &mut Vec<Text>) {
    let Some(found) = section.texts(key) else { return };
    for (code, at) in &found {
        unknown_code(catalogue, code).into_iter().for_each(|text| section.complain_at(*at, key, text));
    }
    *target = found.into_iter().map(|(code, _)| code).collect();
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
