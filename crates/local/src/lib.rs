//! Runs stages in one process: over a durable log on disk, or in memory for replay.
//!
//! [`log`] says what a log owes a runner, [`disk`] and [`memory`] are the two logs, [`pipeline`] is the runner.
//! [`recording`] reads what people have recorded, [`score`] holds what a replay said against what they know.

pub mod directory;
pub mod disk;
pub mod frame;
pub mod log;
pub mod memory;
pub mod pipeline;
pub mod recording;
pub mod score;
mod seat;
