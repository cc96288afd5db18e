//! Keys, partition keys, timestamps and copies of the records.

use crate::samples;
use bellbuoy_core::time::Time;
use bellbuoy_wire::record::Wire;
use bellbuoy_wire::topic::Topic;

fn places<T: Wire>(samples: &[(&'static str, T)]) -> Vec<String> {
    let place = |(name, record): &(&'static str, T)| {
        let (key, partition) = (record.key(), record.partition_key().to_vec());
        let (key, partition) = (String::from_utf8(key).expect("text"), String::from_utf8(partition).expect("text"));
        let copy = record.copy_to().map(|topic| format!(" and {topic}")).unwrap_or_default();
        format!("{name}: {key} by {partition}{copy}")
    };
    samples.iter().map(place).collect()
}

#[test]
fn a_fact_stands_under_its_object_and_a_control_fact_under_its_source() {
    let expect = [
        "event: Pod/shop/cart-7c9d-x2x4z by prod-eu-1",
        "object: Pod/shop/cart-7c9d-x2x4z by prod-eu-1",
        "alert: Pod/shop/cart-7c9d-x2x4z by prod-eu-1",
        "acknowledge: Pod/shop/cart-7c9d-x2x4z by prod-eu-1",
        "resolve: Pod/shop/cart-7c9d-x2x4z by prod-eu-1",
        "note: Pod/shop/cart-7c9d-x2x4z by prod-eu-1",
        "rules: rules by prod-eu-1",
        "snapshot-begin: objects by prod-eu-1",
        "snapshot-end: objects by prod-eu-1",
        "tick: metrics by prod-eu-1",
        "end-of-recording: logs by prod-eu-1",
    ];
    assert_eq!(places(&samples::facts()), expect);
}

#[test]
fn an_incident_stands_under_its_name_and_is_copied_to_the_current_ones() {
    let incidents = places(&samples::incidents());
    assert_eq!(incidents[0], "acknowledged: inc-f0e1d2c3b4a59687 by prod-eu-1 and incidents-current");
    assert_eq!(incidents[5..], ["rules: ~rules by prod-eu-1", "watermark: ~watermark by prod-eu-1"]);
    let triaged = places(&samples::triaged());
    assert_eq!(triaged[0], "node: inc-f0e1d2c3b4a59687 by prod-eu-1");
    assert_eq!(triaged[2..], ["rules: ~rules by prod-eu-1", "watermark: ~watermark by prod-eu-1"]);
}

#[test]
fn a_page_goes_by_receiver_and_everything_else_of_its_topic_by_scope() {
    let pages = places(&samples::pages());
    assert_eq!(pages[0], "trigger: inc-00000000000000ff/core-infrastructure/2 by core-infrastructure");
    assert_eq!(pages[4..], ["rules: ~rules by prod-eu-1", "watermark: ~watermark by prod-eu-1"]);
}

#[test]
fn a_dead_letter_goes_by_scope_or_else_by_the_topic_it_stood_in() {
    let expect = ["unreadable: journal/3/9000000000 by journal", "rejected: journal/3/9000000000 by prod-eu-1"];
    assert_eq!(places(&samples::dead_letters()), expect);
}

#[test]
fn the_timestamp_is_that_of_the_decision() {
    let second = |time: Time| time.0 / 1_000_000 - 1_795_230_000;
    assert_eq!(second(samples::event().timestamp()), 2);
    assert_eq!(second(samples::incidents()[0].1.timestamp()), 5);
    assert_eq!(second(samples::pages()[0].1.timestamp()), 5);
    assert_eq!(second(samples::dead_letters()[0].1.timestamp()), 8);
}

#[test]
fn every_topic_has_a_schema() {
    for topic in Topic::SHARED.into_iter().chain([Topic::State("correlate")]) {
        assert!(!bellbuoy_wire::schemas::of(topic).is_empty(), "{topic}");
    }
}
