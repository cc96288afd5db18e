//! A mapping of a file that people write while it is read: which keys were asked for, and what was wrong with their values.
//!
//! Values are read over the defaults that stand in the target, so that a key that is missing leaves its default.

use super::error::{Position, Problem};
use super::node::{Key, Node, Value};
use super::scalar;
use bellbuoy_core::Text;
use bellbuoy_core::time::Span;

/// Reads a file that is one list of mappings.
pub(crate) fn read_list(node: &Node, problems: &mut Vec<Problem>, mut read: impl FnMut(&mut Section<'_>)) {
    let Value::List(items) = &node.value else {
        problems.push(Problem::new(node.at, "", format!("expected a list, found {}", node.found())));
        return;
    };
    for (number, item) in items.iter().enumerate() {
        Section::read(item, format!("[{number}]"), false, problems, &mut read);
    }
}

/// A mapping being read.
pub(crate) struct Section<'r> {
    /// Where the mapping begins.
    pub(crate) at: Position,
    /// Its path from the top.
    pub(crate) path: String,
    entries: &'r [(Key, Node)],
    asked: Vec<&'static str>,
    /// Whether the keys are of the user's own choice.
    takes_any_key: bool,
    /// Whether every key that is asked for must be there: so the annotated default shows all there is.
    complete: bool,
    problems: &'r mut Vec<Problem>,
}

impl<'r> Section<'r> {
    /// Reads `node` as a mapping; what is left unread in the end is unknown.
    pub(crate) fn read(
        node: &'r Node,
        path: String,
        complete: bool,
        problems: &'r mut Vec<Problem>,
        read: impl FnOnce(&mut Section<'_>),
    ) {
        let entries = match &node.value {
            Value::Map(entries) => entries.as_slice(),
            // A section of which every line is commented out.
            Value::Null => &[],
            _ => {
                problems.push(Problem::new(node.at, &path, format!("expected a mapping, found {}", node.found())));
                return;
            }
        };
        let mut section =
            Section { at: node.at, path, entries, asked: Vec::new(), takes_any_key: false, complete, problems };
        read(&mut section);
        section.finish();
    }

    /// The node of a key.
    pub(crate) fn get(&mut self, key: &'static str) -> Option<&'r Node> {
        self.asked.push(key);
        self.peek(key)
    }

    /// The node of a key, without asking for it.
    pub(crate) fn peek(&self, key: &str) -> Option<&'r Node> {
        self.entries.iter().find(|(found, _)| found.name == key).map(|(_, node)| node)
    }

    /// The keys of this section exclude each other: not even the annotated default has them all.
    pub(crate) fn one_key_suffices(&mut self) {
        self.complete = false;
    }

    /// Whether a key is there.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.peek(key).is_some()
    }

    /// Complains about a key, or about the section as a whole when the key is empty or missing.
    pub(crate) fn complain(&mut self, key: &str, text: impl Into<String>) {
        let at = self.peek(key).map_or(self.at, |node| node.at);
        let path = if key.is_empty() { self.path.clone() } else { self.join(key) };
        self.problems.push(Problem::new(at, &path, text));
    }

    /// Complains about a value within a key.
    pub(crate) fn complain_at(&mut self, at: Position, key: &str, text: impl Into<String>) {
        let path = self.join(key);
        self.problems.push(Problem::new(at, &path, text));
    }

    /// Complains when any of the keys is missing.
    pub(crate) fn require(&mut self, keys: &[&str]) {
        for key in keys {
            if !self.has(key) {
                self.complain("", format!("expected the key {key}"));
            }
        }
    }

    /// Reads a scalar.
    pub(crate) fn scalar<T>(
        &mut self,
        key: &'static str,
        target: &mut T,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) {
        let Some(node) = self.get(key) else { return };
        let value = match &node.value {
            Value::Scalar(text) => read(text),
            // What a reader says to an empty text is what it would have liked to see.
            _ => read("").and(Err("a text".to_owned())),
        };
        match value {
            Ok(value) => *target = value,
            Err(expected) => self.complain(key, format!("expected {expected}, found {}", node.found())),
        }
    }

    /// Reads a text, which may be empty when it is quoted.
    pub(crate) fn text(&mut self, key: &'static str, target: &mut Text) {
        self.scalar(key, target, |text| Ok(text.into()));
    }

    /// Reads a text that must not be empty.
    pub(crate) fn name(&mut self, key: &'static str, target: &mut Text) {
        let read = |text: &str| if text.is_empty() { Err("a text".to_owned()) } else { Ok(text.into()) };
        self.scalar(key, target, read);
    }

    /// Reads a duration.
    pub(crate) fn duration(&mut self, key: &'static str, target: &mut Span) {
        self.scalar(key, target, scalar::duration);
    }

    /// Reads a duration that is longer than nothing.
    pub(crate) fn positive_duration(&mut self, key: &'static str, target: &mut Span) {
        self.scalar(key, target, |text| match scalar::duration(text)? {
            Span::ZERO => Err("a duration longer than 0s".to_owned()),
            span => Ok(span),
        });
    }

    /// Reads a count between the bounds, both included.
    pub(crate) fn count(&mut self, key: &'static str, min: u32, max: u32, target: &mut u32) {
        self.scalar(key, target, |text| {
            let number = scalar::count(text, i64::from(min), i64::from(max))?;
            u32::try_from(number).map_err(|error| error.to_string())
        });
    }

    /// Reads `true` or `false`.
    pub(crate) fn flag(&mut self, key: &'static str, target: &mut bool) {
        self.scalar(key, target, scalar::flag);
    }

    /// Reads one of a few words.
    pub(crate) fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)], target: &mut T) {
        self.scalar(key, target, |text| scalar::choice(text, choices));
    }

    /// Reads a list of texts, each with its place; none if there is no list.
    pub(crate) fn texts(&mut self, key: &'static str) -> Option<Vec<(Text, Position)>> {
        let node = self.get(key)?;
        self.texts_of(node, key)
    }

    fn texts_of(&mut self, node: &Node, key: &str) -> Option<Vec<(Text, Position)>> {
        let mut texts = Vec::new();
        let read = self.items(node, key, |node, path, problems| match &node.value {
            Value::Scalar(text) => texts.push((text.as_str().into(), node.at)),
            _ => problems.push(Problem::new(node.at, &path, format!("expected a text, found {}", node.found()))),
        });
        read.then_some(texts)
    }

    /// The keys of a section in which each is the user's own choice, in the order of the file.
    pub(crate) fn names(&mut self) -> Vec<String> {
        self.takes_any_key = true;
        self.entries.iter().map(|(key, _)| key.name.clone()).collect()
    }

    /// Reads a list of texts under a key of the user's own choice, each with its place; none if there is no list.
    pub(crate) fn texts_at(&mut self, key: &str) -> Option<Vec<(Text, Position)>> {
        self.texts_of(self.peek(key)?, key)
    }

    /// Reads a text or a list of texts.
    pub(crate) fn one_or_more_texts(&mut self, key: &'static str) -> Vec<(Text, Position)> {
        match self.peek(key).map(|node| (&node.value, node.at)) {
            Some((Value::Scalar(text), at)) => {
                self.asked.push(key);
                vec![(text.as_str().into(), at)]
            }
            _ => self.texts(key).unwrap_or_default(),
        }
    }

    /// Reads a list of mappings. Says whether there was a list.
    pub(crate) fn list(&mut self, key: &'static str, mut read: impl FnMut(&mut Section<'_>)) -> bool {
        let Some(node) = self.get(key) else { return false };
        self.items(node, key, |node, path, problems| Section::read(node, path, false, problems, &mut read))
    }

    /// Reads a mapping within this one.
    pub(crate) fn section(&mut self, key: &'static str, read: impl FnOnce(&mut Section<'_>)) {
        let path = self.join(key);
        if let Some(node) = self.get(key) {
            Section::read(node, path, self.complete, self.problems, read);
        }
    }

    /// Reads a mapping with keys of the user's own choice, in the order of the file.
    pub(crate) fn free_map(&mut self, key: &'static str) -> Vec<(&'r Key, &'r Node)> {
        match self.get(key).map(|node| (&node.value, node)) {
            Some((Value::Map(entries), _)) => entries.iter().map(|(key, node)| (key, node)).collect(),
            None | Some((Value::Null, _)) => Vec::new(),
            Some((_, node)) => {
                self.complain(key, format!("expected a mapping, found {}", node.found()));
                Vec::new()
            }
        }
    }

    /// How much was wrong up to here.
    pub(crate) fn problem_count(&self) -> usize {
        self.problems.len()
    }

    /// The path of a key in this section.
    pub(crate) fn join(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn items(&mut self, node: &Node, key: &str, mut read: impl FnMut(&Node, String, &mut Vec<Problem>)) -> bool {
        let Value::List(items) = &node.value else {
            self.complain(key, format!("expected a list, found {}", node.found()));
            return false;
        };
        let path = self.join(key);
        for (number, item) in items.iter().enumerate() {
            read(item, format!("{path}[{number}]"), self.problems);
        }
        true
    }

    fn finish(self) {
        for (key, _) in self.entries {
            if self.takes_any_key || self.asked.contains(&key.name.as_str()) {
                continue;
            }
            let path = self.join(&key.name);
            let hint = match scalar::nearest(&key.name, self.asked.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("known here: {}", self.asked.join(", ")),
            };
            self.problems.push(Problem::new(key.at, &path, format!("unknown key {:?}; {hint}", key.name)));
        }
        if self.complete {
            for key in self.asked.iter().filter(|key| !self.entries.iter().any(|(found, _)| found.name == **key)) {
                let path = self.join(key);
                self.problems.push(Problem::new(self.at, &path, "expected this key in the annotated default"));
            }
        }
    }
}
