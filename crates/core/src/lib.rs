//! The vocabulary of Bellbuoy, and the kernel that every stage runs in.
//!
//! Pure: no I/O, no clock, no randomness that could reach a decision, no bytes of any outside format.

pub mod fact;
pub mod headline;
pub mod incident;
pub mod intern;
pub mod map;
pub mod object;
pub mod page;
pub mod paged;
pub mod report;
pub mod rules;
pub mod severity;
pub mod sign;
pub mod spec;
pub mod stage;
pub mod table;
pub mod task;
pub mod time;
pub mod timers;
pub mod triage;

/// Text of a fact: shared, because names recur.
pub type Text = std::sync::Arc<str>;
