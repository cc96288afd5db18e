//! From facts to incidents: catalogue, episodes, topology, causality (DESIGN §5).
//!
//! Pure: a function of the facts of one scope and of the rule sets that they name.

mod catalogue;
mod episode;
mod events;
mod explanation;
mod incident;
mod moves;
mod objects;
mod problems;
mod record;
mod stage;
mod state;
mod topology;
mod turn;

pub use catalogue::Catalogue;
pub use stage::Correlate;
pub use state::Tables;
