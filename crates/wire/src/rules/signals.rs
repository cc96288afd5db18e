//! Entries of the catalogue as people write them: what a fact means, with the messages that prove it.

use super::error::Position;
use super::node::Value;
use super::scalar;
use super::section::Section;
use bellbuoy_core::Text;
use bellbuoy_core::rules::{Class, Match, Role, SignalRule};
use bellbuoy_core::severity::Severity;
use bellbuoy_core::sign;
use bellbuoy_core::time::Span;

/// The words for a severity.
pub(crate) const SEVERITIES: [(&str, Severity); 5] =
    [("P1", Severity::P1), ("P2", Severity::P2), ("P3", Severity::P3), ("P4", Severity::P4), ("P5", Severity::P5)];

const ROLES: [(&str, Role); 3] = [("cause", Role::Cause), ("symptom", Role::Symptom), ("both", Role::Both)];

const CLASSES: [(&str, Class); 3] =
    [("fixed", Class::Fixed), ("converging", Class::Converging), ("planned", Class::Planned)];

/// What an entry of a new signal leaves out: a symptom that may heal by itself, given five minutes to do so.
fn blank() -> SignalRule {
    let minutes = |minutes: i64| Span::from_secs(60 * minutes);
    SignalRule { grace: minutes(5), heals_after: minutes(1), ..SignalRule::default() }
}

/// Reads one file's or section's entries over the catalogue there is. An entry of a known code changes the fields that
/// it names; entries of new codes come before those that were there, in the order of the file.
#[derive(Default)]
pub(crate) struct SignalEntries {
    entries: Vec<SignalRule>,
}

impl SignalEntries {
    /// Reads an entry.
    pub(crate) fn read(&mut self, catalogue: &[SignalRule], section: &mut Section<'_>) {
        let mut code: Text = "".into();
        section.name("code", &mut code);
        section.require(&["code"]);
        if self.entries.iter().any(|entry| entry.code == code) {
            section.complain("code", format!("the code {code:?} stands in this list a second time"));
        }
        let known = catalogue.iter().find(|rule| rule.code == code);
        if known.is_none() {
            section.require(&["area", "says", "severity", "matches"]);
        }
        let mut rule = known.cloned().unwrap_or_else(blank);
        rule.code = code;
        section.name("area", &mut rule.area);
        section.name("says", &mut rule.says);
        section.choice("role", &ROLES, &mut rule.role);
        section.choice("class", &CLASSES, &mut rule.class);
        section.choice("severity", &SEVERITIES, &mut rule.severity);
        section.text("runbook", &mut rule.runbook);
        section.duration("grace", &mut rule.grace);
        section.count("repeats", 0, 1_000_000, &mut rule.repeats);
        section.duration("heals_after", &mut rule.heals_after);
        if let Some(reasons) = section.texts("healed_by") {
            rule.healed_by = reasons.into_iter().map(|(reason, _)| reason).collect();
        }
        section.duration("quiet", &mut rule.quiet);
        section.duration("every", &mut rule.every);
        let (mut matches, problems_before) = (Vec::new(), section.problem_count());
        if section.list("matches", |item| matches.extend(read_match(item))) {
            rule.matches = matches;
        }
        let tests = section.one_or_more_texts("test");
        // Messages against patterns that are wrong themselves would be a second word about one mistake.
        if section.problem_count() == problems_before {
            check_tests(section, &rule.matches, &tests);
        }
        self.entries.push(rule);
    }

    /// Puts the entries into the catalogue.
    pub(crate) fn merge_into(self, catalogue: &mut Vec<SignalRule>) {
        let mut new = Vec::new();
        for entry in self.entries {
            match catalogue.iter_mut().find(|rule| rule.code == entry.code) {
                Some(rule) => *rule = entry,
                None => new.push(entry),
            }
        }
        catalogue.splice(0..0, new);
    }
}

/// Reads one item of `matches`. A list of words in it stands for as many matches, in the order of the list.
fn read_match(section: &mut Section<'_>) -> Vec<Match> {
    let mut found = Vec::new();
    let mut forms = 0;
    section.section("event", |fields| {
        forms += 1;
        let [component, pattern] = texts(fields, ["component", "pattern"]);
        one_of(fields, &["reason", "pattern"]);
        for [kind, reason] in words(fields, ["kind", "reason"]) {
            let (component, pattern) = (component.clone(), pattern.clone());
            found.push(Match::Event { kind, reason, component, pattern });
        }
    });
    section.section("waiting", |fields| {
        forms += 1;
        let [pattern] = texts(fields, ["pattern"]);
        one_of(fields, &["reason", "pattern"]);
        for [reason] in words(fields, ["reason"]) {
            found.push(Match::Waiting { reason, pattern: pattern.clone() });
        }
    });
    section.section("terminated", |fields| {
        forms += 1;
        let [pattern] = texts(fields, ["pattern"]);
        one_of(fields, &["reason", "exit_code", "pattern"]);
        for [reason, exit_code] in words(fields, ["reason", "exit_code"]) {
            found.push(Match::Terminated { reason, exit_code, pattern: pattern.clone() });
        }
    });
    section.section("condition", |fields| {
        forms += 1;
        let [status, pattern] = texts(fields, ["status", "pattern"]);
        one_of(fields, &["type"]);
        for [kind, condition, reason] in words(fields, ["kind", "type", "reason"]) {
            let (status, pattern) = (status.clone(), pattern.clone());
            found.push(Match::Condition { kind, condition, status, reason, pattern });
        }
    });
    section.section("phase", |fields| {
        forms += 1;
        let [pattern] = texts(fields, ["pattern"]);
        one_of(fields, &["phase", "reason", "pattern"]);
        for [kind, phase, reason] in words(fields, ["kind", "phase", "reason"]) {
            found.push(Match::Phase { kind, phase, reason, pattern: pattern.clone() });
        }
    });
    section.section("state", |fields| {
        forms += 1;
        let mut shown: Text = "".into();
        fields.scalar("sign", &mut shown, |text| match sign::ALL.contains(&text) {
            true => Ok(text.into()),
            false => Err(match scalar::nearest(text, sign::ALL.into_iter()) {
                Some(near) => format!("there is no sign {text:?}; did you mean {near}?"),
                None => format!("there is no sign {text:?}; expected one of {}", sign::ALL.join(", ")),
            }),
        });
        let [pattern] = texts(fields, ["pattern"]);
        one_of(fields, &["sign"]);
        for [kind] in words(fields, ["kind"]) {
            found.push(Match::State { sign: shown.clone(), kind, pattern: pattern.clone() });
        }
    });
    section.section("alert", |fields| {
        forms += 1;
        let mut name: Text = "".into();
        fields.scalar("name", &mut name, |text| scalar::pattern(text).map(|_| text.into()));
        one_of(fields, &["name"]);
        found.push(Match::Alert { name });
    });
    if forms != 1 {
        section.complain("", "expected one of event, waiting, terminated, condition, phase, state, alert");
    }
    found
}

/// Reads keys that hold a word or a list of words: every combination of them, the last key's words first to change.
fn words<const N: usize>(section: &mut Section<'_>, keys: [&'static str; N]) -> Vec<[Text; N]> {
    let none: Text = "".into();
    let mut rows = vec![[(); N].map(|()| none.clone())];
    for (place, key) in keys.into_iter().enumerate() {
        let found = section.one_or_more_texts(key);
        if found.is_empty() {
            continue;
        }
        let with = |row: [Text; N]| {
            found.iter().map(move |(word, _)| {
                let mut row = row.clone();
                row[place] = word.clone();
                row
            })
        };
        rows = rows.into_iter().flat_map(with).collect();
    }
    rows
}

/// Reads the texts of a match; what is called `pattern` must be one.
fn texts<const N: usize>(section: &mut Section<'_>, keys: [&'static str; N]) -> [Text; N] {
    keys.map(|key| {
        let mut text: Text = "".into();
        match key {
            "pattern" => section.scalar(key, &mut text, |text| scalar::pattern(text).map(|_| text.into())),
            _ => section.text(key, &mut text),
        }
        text
    })
}

/// A match that names nothing would match everything.
fn one_of(section: &mut Section<'_>, keys: &[&str]) {
    let is_given = |key: &&str| match section.peek(key).map(|node| &node.value) {
        Some(Value::Scalar(text)) => !text.is_empty(),
        Some(Value::List(items)) => !items.is_empty(),
        Some(Value::Map(_) | Value::Null) | None => false,
    };
    if !keys.iter().any(is_given) {
        section.complain("", format!("expected a value for {}", keys.join(" or ")));
    }
}

/// The test messages must match, and an entry with a message pattern for events needs one: a pattern nobody tried is a
/// guess.
fn check_tests(section: &mut Section<'_>, matches: &[Match], tests: &[(Text, Position)]) {
    let reads_messages = |one: &&Match| !matches!(one, Match::Alert { .. });
    let mut patterns: Vec<_> = matches.iter().filter(reads_messages).map(pattern_of).collect();
    patterns.sort_unstable();
    patterns.dedup();
    // No pattern takes any message.
    let takes_any = patterns.first().is_some_and(|pattern| pattern.is_empty());
    for (text, at) in tests {
        let is_match = |one: &str| scalar::pattern(one).is_ok_and(|pattern| pattern.is_match(text));
        if !takes_any && !patterns.iter().any(|pattern| is_match(pattern)) {
            section.complain_at(*at, "test", format!("no pattern of this entry matches the message {text:?}"));
        }
    }
    let has_pattern = |one: &Match| matches!(one, Match::Event { pattern, .. } if !pattern.is_empty());
    if tests.is_empty() && section.has("matches") && matches.iter().any(has_pattern) {
        section.complain("", "expected the key test with a message that a pattern of this entry matches");
    }
}

fn pattern_of(one: &Match) -> &str {
    match one {
        Match::Event { pattern, .. }
        | Match::Waiting { pattern, .. }
        | Match::Terminated { pattern, .. }
        | Match::Condition { pattern, .. }
        | Match::Phase { pattern, .. }
        | Match::State { pattern, .. } => pattern,
        Match::Alert { .. } => "",
    }
}
