//! What the pipeline decides of small stories: noise left alone, one incident per failure, the cause named.

mod noise;
mod single;
mod storm;
mod together;

use bellbuoy_core::fact::Fact;
use bellbuoy_tests::fold::decide;

/// A story and what is told of it.
fn check(facts: &[Fact], expect: &str) {
    let expect: String =
        expect.lines().map(str::trim).filter(|line| !line.is_empty()).map(|l| format!("{l}\n")).collect();
    assert_eq!(decide(facts).told(), expect);
}
