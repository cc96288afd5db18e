//! The Avro schemas of all topics.

use crate::topic::Topic;
use crate::{dead_letters, incidents, journal, pages, state, triaged};

/// All versions of the Avro schema of a topic's values, the oldest first.
pub fn of(topic: Topic) -> &'static [&'static str] {
    match topic {
        Topic::Journal => journal::SCHEMAS,
        Topic::Incidents | Topic::IncidentsCurrent => incidents::SCHEMAS,
        Topic::Triaged => triaged::SCHEMAS,
        Topic::Pages => pages::SCHEMAS,
        Topic::DeadLetters => dead_letters::SCHEMAS,
        Topic::State(_) => state::SCHEMAS,
    }
}
