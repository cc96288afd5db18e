//! `explain`: every decision with its rule, and every fact with its place.

use crate::program::{feed, hour, run};
use crate::replay::incidents;

#[test]
fn every_incident_is_explained_with_its_edges_scores_factors_pages_and_facts() {
    let hour = hour();
    for incident in incidents() {
        let id = incident["incident_id"].as_str().unwrap();
        let args = ["explain", id, hour.to_str().unwrap(), "--cluster", "shop-eu-1"];
        let text = run(&args).ended(0).out;
        let has = |part: &str| assert!(text.contains(part), "{part:?} is missing in:\n{text}");
        has(incident["title"].as_str().unwrap());
        for cause in incident["causes"].as_array().unwrap() {
            has(&format!("score {}", cause["score"]));
            for because in cause["because"].as_array().unwrap() {
                // Long sentences are cut; their beginning stands.
                let text: String = because["text"].as_str().unwrap().chars().take(200).collect();
                has(&text);
                has(because["rule"].as_str().unwrap());
            }
        }
        for member in incident["members"].as_array().unwrap() {
            has(member["signal"].as_str().unwrap());
            if let Some(rule) = member["explained_by"]["rule"].as_str() {
                has(rule);
            }
            for fact in member["facts"].as_array().unwrap() {
                has(fact["fact"].as_str().unwrap());
            }
        }
        for factor in incident["severity_because"].as_array().unwrap() {
            has(factor["rule"].as_str().unwrap());
        }
        for page in incident["pages"].as_array().unwrap() {
            has(page["reason"].as_str().unwrap());
            has(page["key"].as_str().unwrap());
        }
        assert!(!text.contains("is not in what was read"), "a fact was not found again:\n{text}");
        has("record ");
    }
}

#[test]
fn a_beginning_of_the_id_suffices_and_standard_input_is_read_twice() {
    let recording = std::fs::read(hour()).unwrap();
    let incidents = incidents();
    let id = incidents[0]["incident_id"].as_str().unwrap();
    let text = feed(&["explain", &id["inc-".len()..12], "-", "--cluster", "shop-eu-1"], &recording).ended(0).out;
    assert!(text.contains(id), "{text}");
    assert!(!text.contains("is not in what was read"), "{text}");
}

#[test]
fn an_unknown_incident_is_an_error_that_lists_the_known_ones() {
    let hour = hour();
    let error = run(&["explain", "inc-zz", hour.to_str().unwrap(), "--cluster", "shop-eu-1"]).ended(1).err;
    assert!(error.contains("inc-zz") || error.contains("\"zz\""), "{error}");
    assert!(error.contains(incidents()[0]["incident_id"].as_str().unwrap()), "{error}");
}
