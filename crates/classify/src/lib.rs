//! How bad an incident is, what it is about, and whose it is: incidents in, triaged incidents out.
//!
//! Pure. Every step of a severity and the owner carry the rule that made them, in a sentence.

mod owner;
mod severity;
mod stage;
mod state;

pub use owner::UNKNOWN_AREA;
pub use stage::Classify;
pub use state::Tables;
