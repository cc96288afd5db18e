//! The Kafka runner keeps every duty that a runner owes a stage.

use bellbuoy_tests::conformance::duties;
use bellbuoy_tests::conformance_duties;
use bellbuoy_tests::kafka_runner::KafkaUnderTest;

/// One test per duty, so that they run side by side and each says how long it took.
macro_rules! duties {
    ($($duty:ident),+ $(,)?) => {
        $(#[test]
        fn $duty() {
            conformance_duties::$duty::<KafkaUnderTest>(&mut KafkaUnderTest::new);
        })+

        #[test]
        fn no_duty_is_left_out() {
            let names: Vec<&str> = duties::<KafkaUnderTest>().into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, [$(stringify!($duty)),+]);
        }
    };
}

duties![
    hands_over_by_time_and_id,
    holds_back_until_the_lateness_is_over,
    marks_late_facts,
    hands_commands_over_at_once,
    undoes_at_every_record,
    restores_at_every_commit,
    hands_over_at_every_record,
    survives_death_at_every_record,
    fences_a_second_owner,
    commits_dead_letters_with_the_position,
    rejects_once,
    keeps_tables_bounded,
    shows_nothing_before_the_commit,
    passes_by_gaps,
    writes_the_same_whatever_the_batches_and_partitions,
    fires_timers_after_a_restore,
    loses_nothing_when_nothing_was_read,
];
