//! Objects as the Python client of Kubernetes spells them: `creation_timestamp` for `creationTimestamp`.

use serde_json::{Map, Value};

/// Keys whose values are maps with keys of their own, which people chose.
const OWN_KEYS: [&str; 8] =
    ["labels", "annotations", "data", "binary_data", "string_data", "match_labels", "node_selector", "selector"];

/// The text of an object in the spelling of the API; none where it is no object.
pub(crate) fn in_api_spelling(text: &str) -> Option<String> {
    let object: Map<String, Value> = serde_json::from_str(text).ok()?;
    Some(Value::Object(respelt(object)).to_string())
}

fn respelt(object: Map<String, Value>) -> Map<String, Value> {
    let entry = |(key, value): (String, Value)| {
        let value = match (OWN_KEYS.contains(&key.as_str()), value) {
            (true, Value::Object(own)) if own.values().all(|value| !value.is_object()) => Value::Object(own),
            (_, value) => respelt_value(value),
        };
        (camel_case(&key), value)
    };
    object.into_iter().map(entry).collect()
}

fn respelt_value(value: Value) -> Value {
    match value {
        Value::Object(object) => Value::Object(respelt(object)),
        Value::Array(items) => Value::Array(items.into_iter().map(respelt_value).collect()),
        other => other,
    }
}

/// `host_ip` becomes `hostIP`, `claim_name` becomes `claimName`.
fn camel_case(key: &str) -> String {
    let mut words = key.trim_start_matches('_').split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        if matches!(word, "ip" | "id" | "cidr") {
            camel.push_str(&word.to_ascii_uppercase());
            continue;
        }
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(in_api_spelling(text).as_deref(), Some(expect), "{text}");
    }

    #[test]
    fn keys_are_spelt_as_the_api_spells_them() {
        check(
            r#"{"api_version":null,"metadata":{"creation_timestamp":"x","owner_references":[{"block_owner_deletion":true}]}}"#,
            r#"{"apiVersion":null,"metadata":{"creationTimestamp":"x","ownerReferences":[{"blockOwnerDeletion":true}]}}"#,
        );
        check(r#"{"cluster_ip":"10.0.0.1","pod_ip":"10.0.0.2"}"#, r#"{"clusterIP":"10.0.0.1","podIP":"10.0.0.2"}"#);
    }

    #[test]
    fn keys_that_people_chose_stay_as_they_are() {
        check(r#"{"labels":{"app_name":"cart"}}"#, r#"{"labels":{"app_name":"cart"}}"#);
        check(r#"{"selector":{"match_labels":{"a_b":"c"}}}"#, r#"{"selector":{"matchLabels":{"a_b":"c"}}}"#);
        assert_eq!(in_api_spelling("[7]"), None);
    }
}
