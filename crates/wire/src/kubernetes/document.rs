//! Files in config maps, as far as their lines are settings: properties, shell variables, INI, TOML, YAML, JSON, and
//! directives such as `proxy_pass http://cart;`.
//!
//! Not a parser of any of these: templates and dialects are common, and a line that is not understood says nothing.

use crate::kubernetes::settings::{Place, Section, Settings};
use serde_json::Value;

/// Bytes of one file that are read. Longer ones are dashboards and certificates, and their beginning will do.
const DOCUMENT_BYTES_MAX: usize = 64 * 1_024;

/// Beginnings of lines that are comments in one of these languages.
const COMMENTS: [&str; 5] = ["#", "//", ";", "--", "<!--"];

/// Reads a file, which stands under a key of a config map or in a variable.
pub(crate) fn read(settings: &mut Settings, key: &str, text: &str) {
    let text = &text[..text.floor_char_boundary(DOCUMENT_BYTES_MAX)];
    if text.trim_start().starts_with(['{', '['])
        && let Ok(value) = serde_json::from_str::<Value>(text)
    {
        let section = settings.section();
        return json(settings, Place { section, key, is_line: true }, key, &value);
    }
    let mut reader = Lines { levels: Vec::new(), parent: String::new() };
    for line in text.lines() {
        reader.line(settings, key, line);
    }
}

fn json(settings: &mut Settings, place: Place<'_>, name: &str, value: &Value) {
    match value {
        Value::Object(fields) => {
            let place = Place { section: settings.section(), ..place };
            fields.iter().for_each(|(name, value)| json(settings, place, name, value));
        }
        Value::Array(items) => items.iter().for_each(|item| json(settings, place, name, item)),
        Value::String(text) => settings.take(place, name, text),
        Value::Number(number) => settings.take(place, name, &number.to_string()),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Reads line by line.
struct Lines {
    /// Columns at which the blocks around the line begin, and their sections.
    levels: Vec<(usize, Section)>,
    /// The setting without a value that a list stands below.
    parent: String,
}

impl Lines {
    fn line(&mut self, settings: &mut Settings, key: &str, line: &str) {
        let mut rest = line.trim_start();
        let mut column = line.len() - rest.len();
        if rest.is_empty() || COMMENTS.iter().any(|comment| rest.starts_with(comment)) {
            return;
        }
        if is_header(rest) {
            self.levels.clear();
            self.parent.clear();
            return;
        }
        let mut is_item = false;
        while let Some(behind) = rest.strip_prefix("- ") {
            self.leave(column);
            is_item = true;
            column += rest.len() - behind.trim_start().len();
            rest = behind.trim_start();
        }
        let section = self.section(settings, column);
        let place = Place { section, key, is_line: true };
        match setting(rest) {
            Some((name, "")) => self.parent = name.to_owned(),
            Some((name, value)) => {
                let list = value.strip_prefix('[').and_then(|value| value.trim_end_matches(',').strip_suffix(']'));
                match list {
                    Some(list) => settings.take(place, name, &list.replace(['"', '\''], "")),
                    None => settings.take(place, name, value),
                }
            }
            None if is_item => settings.take(place, &self.parent, without_comment(rest)),
            None => {}
        }
    }

    /// Leaves the blocks that begin at a column or behind it.
    fn leave(&mut self, column: usize) {
        while self.levels.last().is_some_and(|(at, _)| *at >= column) {
            self.levels.pop();
        }
    }

    /// The section of the block that a line at a column belongs to.
    fn section(&mut self, settings: &mut Settings, column: usize) -> Section {
        self.leave(column + 1);
        match self.levels.last() {
            Some((at, section)) if *at == column => *section,
            _ => {
                let section = settings.section();
                self.levels.push((column, section));
                section
            }
        }
    }
}

/// Whether a line is the head of a section, as in INI and TOML.
fn is_header(line: &str) -> bool {
    let inside = line.trim_end().strip_prefix('[').and_then(|line| line.strip_suffix(']'));
    inside.is_some_and(|inside| {
        !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-[] ".contains(&byte))
    })
}

/// The name and the value of a line, if it is a setting; a value is empty where it stands below.
fn setting(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix("export ").unwrap_or(line).trim_end();
    let quoted = |quote: char| line.strip_prefix(quote).and_then(|line| line.split_once(quote));
    if let Some((name, behind)) = quoted('"').or_else(|| quoted('\'')) {
        let behind = behind.trim_start();
        let value = behind.strip_prefix([':', '='])?;
        return Some((name, without_comment(value.strip_prefix('>').unwrap_or(value))));
    }
    let is_colon = |at: usize| line[at + 1..].is_empty() || line[at + 1..].starts_with([' ', '\t']);
    let separator = line
        .match_indices([':', '='])
        .find(|(at, mark)| *mark == "=" || is_colon(*at))
        .map(|(at, _)| (line[..at].trim_end(), &line[at + 1..]));
    match separator {
        Some((name, value)) if is_name(name) => Some((name, without_comment(value.strip_prefix('>').unwrap_or(value)))),
        _ => {
            // A directive of nginx and its like.
            let mut words = line.strip_suffix(';')?.split_whitespace();
            let (name, value) = (words.next()?, words.next()?);
            is_name(name).then_some((name, value))
        }
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/'))
}

/// A value without a comment behind it.
fn without_comment(value: &str) -> &str {
    let end = value.find(" #").or_else(|| value.find("\t#")).unwrap_or(value.len());
    value[..end].trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::settings::{ADDRESSES_MAX, shown};
    use proptest::prelude::*;

    fn check(text: &str, expect: &[&str]) {
        let mut settings = Settings::default();
        read(&mut settings, "k", text);
        let found = shown(&settings.addresses());
        assert_eq!(found.iter().map(|line| &line[2..]).collect::<Vec<_>>(), expect, "{text}");
    }

    #[test]
    fn properties_and_variables() {
        check(
            "# url=http://comment\nspring.datasource.url=jdbc:mysql://mysql:3306/shop\nspring.redis.host = redis\nspring.redis.port = 6379\ncart.timeout=300\n",
            &["redis:6379", "mysql://mysql:3306"],
        );
        check("export CART_URL=\"http://cart:80\"\nexport DB_HOST='pg' # the one\n", &["pg", "http://cart:80"]);
        check("bootstrap.servers=a:9092,b:9092\ngroup.id=cart:1\n", &["a:9092", "b:9092"]);
        check("password=hush:8080\nimage=redis:6379\n", &[]);
    }

    #[test]
    fn blocks_of_yaml_keep_their_hosts_and_ports_together() {
        check(
            "redis:\n  host: redis\n  port: 6379\n  pool:\n    size: 8\ndb:\n  port: 5432\n  host: \"pg.data\"\nport: 8080\nhost: cart\n",
            &["cart:8080", "pg.data:5432", "redis:6379"],
        );
        check("upstreams:\n- name: a\n  host: a\n  port: 1\n- host: b\n  port: 2\n- {host: c}\n", &["a:1", "b:2"]);
        check("brokers:\n  - a:9092 # first\n  - \"b:9092\"\n  -\n", &["a:9092", "b:9092"]);
        check("targets: ['a:9100', \"b:9100\"]\n", &["a:9100", "b:9100"]);
        check("servers:\n- cart\n- pay\nitems:\n- cart\n", &["cart", "pay"]);
        check("a: {{ .Values.url }}\nb: http://{{ .host }}:80\n", &[]);
        check("at: 10:30\nlevel: info\nimage: nginx:1.25\nsee: the docs at http://x for more\n", &[]);
    }

    #[test]
    fn sections_of_ini_and_toml() {
        check(
            "[redis]\nhost = \"redis\"\nport = 6379\n[db]\nport = 5432\nhost = pg\n[[server]]\nurl = 'http://cart'\n",
            &["pg:5432", "redis:6379", "http://cart"],
        );
    }

    #[test]
    fn json_in_one_line_and_in_many() {
        let json = r#"{"redis":{"host":"redis","port":6379},"cart":{"url":"http://cart:80","retries":3,"tls":false},"brokers":["a:9092","b:9092"],"none":null}"#;
        let expect = ["a:9092", "b:9092", "redis:6379", "http://cart:80"];
        check(json, &expect);
        let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Value>(json).unwrap()).unwrap();
        check(&pretty, &expect);
        // With a comment it is no JSON any more, and its lines are read.
        check(&pretty.replacen('{', "{\n  // here\n", 1), &["redis:6379", "http://cart:80"]);
        check(r#"[{"host":"a","port":1},{"host":"b"}]"#, &["a:1", "b"]);
    }

    #[test]
    fn directives() {
        check(
            "upstream cart {\n  server cart:8080 weight=5;\n}\nlocation / {\n  proxy_pass http://cart-api:80/v1;\n  listen 8080;\n  root /var/www;\n}\n",
            &["cart:8080", "http://cart-api:80"],
        );
        check("'host' => 'redis',\n'port' => 6379,\n", &["redis:6379"]);
    }

    #[test]
    fn other_texts_hold_none() {
        check(
            "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQ==\n-----END CERTIFICATE-----\n",
            &[],
        );
        check("#!/bin/sh\nset -e\ncurl http://cart:80/health\n", &[]);
        check("Read http://example.com first.\n", &[]);
        check("", &[]);
    }

    #[test]
    fn long_files_are_read_in_part() {
        let mut text = "x=é\n".repeat(20_000);
        text.push_str("u=http://late\n");
        check(&text, &[]);
        let many: String = (0..1_000).map(|n| format!("u{n}=http://h{n}\n")).collect();
        let mut settings = Settings::default();
        read(&mut settings, "k", &many);
        assert_eq!(settings.addresses().len(), ADDRESSES_MAX);
        // Deep nesting is refused by the parser of JSON, and no line of it is a setting.
        check(&"[".repeat(60_000), &[]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_panics(text in "(\\PC|\\n|\\t|- |: |=|\\[|\\]|\\{|\\}|\"|'|#|host|port: 8|é|http://a){0,60}") {
            let mut settings = Settings::default();
            read(&mut settings, "k", &text);
            prop_assert!(settings.addresses().len() <= ADDRESSES_MAX);
        }
    }
}
