//! The suite itself: it can be passed, and every fault that it knows of is found.

use bellbuoy_tests::conformance::check;
use bellbuoy_tests::conformance_paper::{Fault, PaperRunner};

#[test]
fn a_runner_on_paper_does_its_duty() {
    let failures = check(&mut |partitions| PaperRunner::new(partitions, Fault::None));
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_fault_is_found() {
    for fault in Fault::ALL {
        let failures = check(&mut |partitions| PaperRunner::new(partitions, fault));
        assert!(!failures.is_empty(), "no duty notices a runner that {fault:?}");
        let duties: Vec<_> = failures.iter().filter_map(|failure| failure.split(':').next()).collect();
        println!("{fault:?}: found by {}", duties.join(", "));
    }
}
