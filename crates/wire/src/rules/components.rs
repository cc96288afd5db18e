//! Entries of the components as people write them: parts of the cluster that everything else leans on.

use super::node::Value;
use super::scalar;
use super::section::Section;
use super::signals::SEVERITIES;
use bellbuoy_core::Text;
use bellbuoy_core::rules::ComponentRule;
use bellbuoy_core::severity::Severity;

/// Reads one file's or section's entries over the components there are. An entry of a known name changes the fields
/// that it names; new ones come after those that were there.
#[derive(Default)]
pub(crate) struct ComponentEntries {
    entries: Vec<ComponentRule>,
}

impl ComponentEntries {
    /// Reads an entry.
    pub(crate) fn read(&mut self, components: &[ComponentRule], section: &mut Section<'_>) {
        let mut name: Text = "".into();
        section.name("name", &mut name);
        section.require(&["name"]);
        if self.entries.iter().any(|entry| entry.name == name) {
            section.complain("name", format!("the name {name:?} stands in this list a second time"));
        }
        let known = components.iter().find(|rule| rule.name == name);
        if known.is_none() {
            // What matches any name would make everything a part of everything.
            section.require(&["area", "severity", "names"]);
        }
        let blank = || ComponentRule { severity: Severity::P5, ..ComponentRule::default() };
        let mut rule = known.cloned().unwrap_or_else(blank);
        rule.name = name;
        section.name("area", &mut rule.area);
        section.choice("severity", &SEVERITIES, &mut rule.severity);
        if let Some(kinds) = section.texts("kinds") {
            rule.kinds = kinds.into_iter().map(|(kind, _)| kind).collect();
        }
        pattern(section, "namespace", &mut rule.namespace);
        pattern(section, "names", &mut rule.names);
        pattern(section, "sidecars", &mut rule.sidecars);
        if section.peek("names").is_some_and(|node| node.value == Value::Scalar(String::new())) {
            section.complain("names", "expected a pattern for the whole name");
        }
        self.entries.push(rule);
    }

    /// Puts the entries into the components.
    pub(crate) fn merge_into(self, components: &mut Vec<ComponentRule>) {
        for entry in self.entries {
            match components.iter_mut().find(|rule| rule.name == entry.name) {
                Some(rule) => *rule = entry,
                None => components.push(entry),
            }
        }
    }
}

fn pattern(section: &mut Section<'_>, key: &'static str, target: &mut Text) {
    section.scalar(key, target, |text| scalar::pattern(text).map(|_| text.into()));
}
