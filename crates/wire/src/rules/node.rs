//! A YAML document as a tree in which every node knows its place, so that a complaint can name line and column.

use super::error::{Position, Problem};
use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle};
use std::borrow::Cow;

/// A value and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) value: Value,
}

/// What stands there. Scalars stay text: the reader of a key knows what it wants to see.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Nothing, `~` or `null`.
    Null,
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    pub(crate) at: Position,
    pub(crate) name: String,
}

impl Node {
    /// What stands there, in the words of a complaint.
    pub(crate) fn found(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Scalar(text) => format!("{text:?}"),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
        }
    }
}

/// Reads the one document of a file. An empty file is [`Value::Null`].
pub(crate) fn parse(text: &str) -> Result<Node, Problem> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    let mut reader = Reader { parser: Parser::new_from_str_with_options(text, options) };
    let mut root = None;
    loop {
        let (event, at) = reader.next()?;
        match event {
            Event::StreamEnd => {
                return Ok(root.unwrap_or(Node { at: Position { line: 1, column: 1 }, value: Value::Null }));
            }
            Event::DocumentStart(..) if root.is_some() => {
                return Err(Problem::new(at, "", "expected one YAML document, found a second one"));
            }
            Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
            event => root = Some(reader.node(event, at)?),
        }
    }
}

type Input<'t> = serde_saphyr::granit_parser::StrInput<'t>;

struct Reader<'t> {
    parser: Parser<'t, Input<'t>>,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Position), Problem> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, Position { line: span.start.line(), column: span.start.col() + 1 })),
            Some(Err(error)) => {
                let mark = error.marker();
                let at = Position { line: mark.line(), column: mark.col() + 1 };
                Err(Problem::new(at, "", format!("expected YAML: {}", error.info())))
            }
            // A parser that has ended keeps silent; the end has been seen before.
            None => Ok((Event::StreamEnd, Position { line: 1, column: 1 })),
        }
    }

    /// The node that begins with `event`. The parser bounds the depth, and with it this recursion.
    fn node(&mut self, event: Event<'t>, at: Position) -> Result<Node, Problem> {
        let value = match event {
            Event::Scalar(_, _, _, Some(tag))
            | Event::SequenceStart(_, _, Some(tag))
            | Event::MappingStart(_, _, Some(tag)) => {
                return Err(Problem::new(at, "", format!("expected plain YAML, found the tag {}", tag.original())));
            }
            Event::Scalar(text, style, _, None) => scalar(text, style),
            Event::SequenceStart(..) => self.list()?,
            Event::MappingStart(..) => self.map()?,
            // An alias would put one line's mistake in two places.
            Event::Alias(_) => {
                return Err(Problem::new(at, "", "expected plain YAML, found an alias: write the value out"));
            }
            _ => return Err(Problem::new(at, "", "expected a value")),
        };
        Ok(Node { at, value })
    }

    fn list(&mut self) -> Result<Value, Problem> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(items)),
                (event, at) => items.push(self.node(event, at)?),
            }
        }
    }

    fn map(&mut self) -> Result<Value, Problem> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        loop {
            let (event, at) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(Value::Map(entries));
            }
            let key = self.node(event, at)?;
            let Value::Scalar(name) = key.value else {
                return Err(Problem::new(at, "", format!("expected a key, found {}", key.found())));
            };
            if let Some((first, _)) = entries.iter().find(|(key, _)| key.name == name) {
                let text =
                    format!("the key {name:?} stands here a second time; it stood in line {} already", first.at.line);
                return Err(Problem::new(at, "", text));
            }
            let (event, value_at) = self.next()?;
            entries.push((Key { at, name }, self.node(event, value_at)?));
        }
    }
}

fn scalar(text: Cow<'_, str>, style: ScalarStyle) -> Value {
    match (style, &*text) {
        (ScalarStyle::Plain, "" | "~" | "null") => Value::Null,
        _ => Value::Scalar(text.into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree with the place of every value, on one line.
    fn show(node: &Node) -> String {
        let at = format!("@{}:{}", node.at.line, node.at.column);
        match &node.value {
            Value::Null => format!("null{at}"),
            Value::Scalar(text) => format!("{text:?}{at}"),
            Value::List(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(" ")),
            Value::Map(entries) => {
                let entries = entries.iter().map(|(key, node)| format!("{}={}", key.name, show(node)));
                format!("{{{}}}", entries.collect::<Vec<_>>().join(" "))
            }
        }
    }

    fn check(text: &str, expect: &str) {
        let found = match parse(text) {
            Ok(node) => show(&node),
            Err(problem) => format!("{}:{} {}", problem.at.line, problem.at.column, problem.text),
        };
        assert!(found.starts_with(expect), "{text:?}: {found}");
    }

    #[test]
    fn every_value_knows_its_place() {
        check("a: 1\nb:\n  - x\n  - {y: '~'}\n", r#"{a="1"@1:4 b=["x"@3:5 {y="~"@4:9}]}"#);
        check("# nothing but words\n", "null@1:1");
        check("", "null@1:1");
        check("a:\nb: ~\n", "{a=null");
        check("a: 'it''s'\nb: \"\\n\"", r#"{a="it's"@1:4 b="\n"@2:4}"#);
        check("ä: ö", r#"{ä="ö"@1:4}"#);
    }

    #[test]
    fn what_would_surprise_is_refused_with_its_place() {
        check("a: 1\nb: 2\na: 3\n", "3:1 the key \"a\" stands here a second time; it stood in line 1");
        check("a: &x 1\nb: *x\n", "2:4 expected plain YAML, found an alias");
        check("a: !secret 1\n", "1:12 expected plain YAML, found the tag !secret");
        check("a: 1\n---\nb: 2\n", "2:1 expected one YAML document");
        check("? [a]\n: 1\n", "1:3 expected a key, found a list");
        check("a: [1\nb: 2\n", "");
        assert!(parse("a: [1\nb: 2\n").is_err());
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert!(parse("a: \t- 'x").is_err());
    }
}
