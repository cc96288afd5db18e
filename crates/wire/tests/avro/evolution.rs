//! The evolution of the schemas: FULL_TRANSITIVE, so that every version reads what every other one wrote.

use crate::golden;
use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::schema_compatibility::SchemaCompatibility;
use bellbuoy_wire::avro::fingerprint;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// All schemas that are stored: topic → its versions, the oldest first.
fn schemas() -> BTreeMap<String, Vec<Value>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas");
    let mut schemas = BTreeMap::new();
    for topic in fs::read_dir(root).expect("the workspace has schemas") {
        let topic = topic.expect("a directory can be listed").path();
        let versions = (1..).map_while(|version| fs::read_to_string(topic.join(format!("v{version}.avsc"))).ok());
        let versions: Vec<Value> =
            versions.map(|text| serde_json::from_str(&text).expect("a schema is JSON")).collect();
        if !versions.is_empty() {
            schemas.insert(topic.file_name().expect("a name").to_string_lossy().into_owned(), versions);
        }
    }
    schemas
}

fn parse(schema: &Value) -> Schema {
    Schema::parse(schema).expect("a stored schema is valid")
}

/// Every named type of a schema, by name.
fn named<'a>(schema: &'a Value, found: &mut BTreeMap<&'a str, &'a Value>) {
    match schema {
        Value::Array(types) => types.iter().for_each(|one| named(one, found)),
        Value::Object(map) => {
            if let Some(name) = map.get("name").and_then(Value::as_str) {
                found.insert(name, schema);
            }
            map.get("fields")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .for_each(|field| named(&field["type"], found));
            ["items", "values", "type"].iter().filter_map(|key| map.get(*key)).for_each(|inner| named(inner, found));
        }
        _ => {}
    }
}

fn types(schema: &Value) -> BTreeMap<&str, &Value> {
    let mut found = BTreeMap::new();
    named(schema, &mut found);
    found
}

fn fields(record: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let fields = record.get("fields").and_then(Value::as_array).into_iter().flatten();
    fields.filter_map(|field| Some((field["name"].as_str()?, field)))
}

/// A type without what may change: documentation, and the inside of named types, which are compared by themselves.
fn shape(schema: &Value) -> Value {
    match schema {
        Value::Array(types) => types.iter().map(shape).collect(),
        Value::Object(map) if map.contains_key("name") => map["name"].clone(),
        Value::Object(map) => map.iter().filter(|(key, _)| *key != "doc").map(|(k, v)| (k.clone(), shape(v))).collect(),
        other => other.clone(),
    }
}

/// What in one schema will stand in the way of the next version.
fn offences_of(schema: &Value) -> Vec<String> {
    let mut offences = Vec::new();
    let mut offend = |place: &str, what: &str| offences.push(format!("{place}: {what}"));
    for (name, named) in types(schema) {
        if named["doc"].as_str().is_none_or(str::is_empty) {
            offend(name, "has no doc");
        }
        if named["type"] == "enum" && (named["default"] != "UNKNOWN" || named["symbols"][0] != "UNKNOWN") {
            offend(name, "an enum without the default UNKNOWN cannot get a symbol");
        }
        for (field, definition) in fields(named) {
            let (place, of) = (format!("{name}.{field}"), &definition["type"]);
            if definition["doc"].as_str().is_none_or(str::is_empty) {
                offend(&place, "has no doc");
            }
            if let Some(variants) = of.as_array() {
                let is_nullable = variants.len() == 2 && variants[0] == "null";
                if !is_nullable {
                    offend(&place, "a union of anything but null and one type cannot be extended");
                }
                if definition.get("default") != Some(&Value::Null) {
                    offend(&place, "a nullable field without the default null cannot be dropped");
                }
            }
            let is_time = of.to_string().contains("timestamp-micros");
            let names_time = field.ends_with("_at") || ["at", "since", "observed_through"].contains(&field);
            if names_time && !is_time {
                offend(&place, "a time is a timestamp-micros");
            }
        }
    }
    offences
}

/// What in two versions of a schema breaks FULL_TRANSITIVE.
fn offences_between(one: &Value, other: &Value) -> Vec<String> {
    let (ones, others) = (types(one), types(other));
    let mut offences = Vec::new();
    if (one["name"].clone(), one["namespace"].clone()) != (other["name"].clone(), other["namespace"].clone()) {
        offences.push("the record has another name".to_owned());
    }
    for (name, one) in &ones {
        let Some(other) = others.get(name) else { continue };
        if (&one["type"], one.get("size")) != (&other["type"], other.get("size")) {
            offences.push(format!("{name}: another type"));
        }
        let (one, other): (BTreeMap<_, _>, BTreeMap<_, _>) = (fields(one).collect(), fields(other).collect());
        for (field, definition) in one.iter().chain(&other) {
            match (one.get(field), other.get(field)) {
                (Some(one), Some(other)) if shape(&one["type"]) != shape(&other["type"]) => {
                    offences.push(format!("{name}.{field}: another type"));
                }
                (Some(_), Some(_)) => {}
                _ if definition.get("default").is_none() => {
                    offences.push(format!("{name}.{field}: in one version only, and without a default"));
                }
                _ => {}
            }
        }
    }
    if let Err(error) = SchemaCompatibility::mutual_read(&parse(one), &parse(other)) {
        offences.push(format!("the Avro library says: {error}"));
    }
    offences.dedup();
    offences
}

#[test]
fn every_version_of_every_topic_can_be_evolved_and_reads_every_other() {
    let schemas = schemas();
    let topics: Vec<&str> = schemas.keys().map(String::as_str).collect();
    assert_eq!(topics, ["dead-letters", "incidents", "journal", "pages", "state", "triaged"]);
    for (topic, versions) in &schemas {
        for (at, one) in versions.iter().enumerate() {
            assert_eq!(offences_of(one), [""; 0], "{topic}/v{}", at + 1);
            for (than, other) in versions.iter().enumerate() {
                assert_eq!(offences_between(one, other), [""; 0], "{topic}/v{} and v{}", at + 1, than + 1);
            }
        }
    }
}

#[test]
fn every_stored_record_is_resolved_by_every_version() {
    let mut resolved = 0;
    for (topic, versions) in schemas() {
        let parsed: Vec<Schema> = versions.iter().map(parse).collect();
        let stored = golden::stored(&topic);
        assert!(!stored.is_empty(), "{topic} has no stored record");
        for (version, name, bytes) in stored {
            let writer = &parsed[version - 1];
            let header = [&[0xC3, 0x01][..], &fingerprint(writer).to_le_bytes()].concat();
            assert_eq!(bytes[..10], header, "{topic}/v{version}/{name}");
            for (at, reader) in parsed.iter().enumerate() {
                let resolving = GenericDatumReader::builder(writer).reader_schema(reader).build().expect("a reader");
                let value = resolving.read_value(&mut &bytes[10..]);
                let value = value.unwrap_or_else(|error| panic!("{topic}/v{version}/{name} by v{}: {error}", at + 1));
                assert!(value.validate(reader), "{topic}/v{version}/{name} by v{}", at + 1);
                resolved += 1;
            }
        }
    }
    assert!(resolved >= 30, "{resolved} pairs");
}

/// A version of the journal's schema with one change.
fn changed(change: impl FnOnce(&mut Value)) -> Value {
    let mut schema = schemas()["journal"][0].clone();
    change(&mut schema);
    schema
}

/// The place of a field of the journal's record.
fn place(schema: &Value, field: &str) -> usize {
    fields(schema).position(|(name, _)| name == field).expect("the field")
}

fn check(change: impl FnOnce(&mut Value), expect: &[&str]) {
    let (old, new) = (schemas()["journal"][0].clone(), changed(change));
    let found = [offences_of(&new), offences_between(&old, &new)].concat();
    assert_eq!(found.len(), expect.len(), "{found:?}");
    for (found, expect) in found.iter().zip(expect) {
        assert!(found.contains(expect), "expected `{expect}`, found `{found}`");
    }
}

fn push(schema: &mut Value, field: Value) {
    schema["fields"].as_array_mut().expect("fields").push(field);
}

#[test]
fn what_may_change_is_let_through() {
    check(|_| {}, &[]);
    check(|schema| schema["doc"] = json!("Other words."), &[]);
    check(|schema| push(schema, json!({"name": "b", "type": "long", "default": 0, "doc": "A count."})), &[]);
    let report = json!({"type": "record", "name": "Breach", "doc": "A breach.", "fields": []});
    check(|schema| push(schema, json!({"name": "b", "type": ["null", report], "default": null, "doc": "A."})), &[]);
    check(
        |schema| {
            let at = place(schema, "kind");
            schema["fields"][at]["type"]["symbols"].as_array_mut().expect("symbols").push(json!("BREACH"));
        },
        &[],
    );
    check(
        |schema| {
            let at = place(schema, "sequence");
            schema["fields"].as_array_mut().expect("fields").remove(at);
        },
        &[],
    );
}

#[test]
fn what_breaks_a_reader_is_found() {
    let only_one = "in one version only, and without a default";
    check(|schema| push(schema, json!({"name": "b", "type": "long", "doc": "A."})), &[only_one, "the Avro library"]);
    check(
        |schema| {
            let at = place(schema, "scope");
            schema["fields"].as_array_mut().expect("fields").remove(at);
        },
        &[only_one, "the Avro library"],
    );
    check(
        |schema| {
            let at = place(schema, "sequence");
            schema["fields"][at]["type"] = json!("string");
            schema["fields"][at]["default"] = json!("");
        },
        &["Fact.sequence: another type", "the Avro library"],
    );
    check(
        |schema| {
            let at = place(schema, "observed_at");
            schema["fields"][at]["type"] = json!("long");
        },
        &["Fact.observed_at: a time is a timestamp-micros", "Fact.observed_at: another type"],
    );
    check(
        |schema| push(schema, json!({"name": "b", "type": ["null", "long", "string"], "default": null, "doc": "A."})),
        &["a union of anything but null and one type"],
    );
    check(
        |schema| push(schema, json!({"name": "b", "type": ["null", "long"], "doc": "A."})),
        &["without the default null", only_one, "the Avro library"],
    );
    check(
        |schema| {
            let at = place(schema, "kind");
            let of = schema["fields"][at]["type"].as_object_mut().expect("an enum");
            of.remove("default");
        },
        &["an enum without the default UNKNOWN"],
    );
    check(|schema| push(schema, json!({"name": "b", "type": "long", "default": 0})), &["Fact.b: has no doc"]);
}
