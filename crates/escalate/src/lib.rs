//! Who is told of an incident, when, and why: triaged incidents in, pages out.
//!
//! Pure. It decides pages and sends none.

mod stage;
mod state;
mod tiers;
mod turn;
mod words;

#[cfg(test)]
mod tests;

pub use stage::Escalate;
pub use state::Tables;
