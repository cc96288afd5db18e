//! From facts to incidents: catalogue, episodes, topology, causality (DESIGN §5).
//!
//! Pure: a function of the facts of one scope and of the rule sets that they name.

mod asks;
mod catalogue;
mod components;
mod contradictions;
mod delivery;
mod edges;
mod endpoints;
mod episode;
mod events;
mod explanation;
mod heard;
mod hubs;
mod image;
mod incident;
mod inference;
mod judgement;
mod lease;
mod leases;
mod moves;
mod object_row;
mod objects;
mod opening;
mod pattern;
mod problems;
mod record;
mod splits;
mod stage;
mod state;
mod topology;
mod turn;
mod workload;

pub use catalogue::{Catalogue, Reading};
pub use stage::Correlate;
pub use state::Tables;
