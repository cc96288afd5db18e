//! Every runner is held to what it owes a stage.

mod embedded;
mod kernel;
mod paper;
