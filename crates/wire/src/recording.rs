//! Recordings of what people have: bytes of the outside formats in, drafts of facts out.
//!
//! Decoding has two steps, because a dump does not say when it was made: [`decoder::Decoder`] turns bytes into
//! [`draft::Draft`]s and names every time in them, and once all sources are read, [`horizon::Horizon`] decides which
//! times to believe and dates each draft, so that it becomes a fact, or two.

pub mod dated;
pub mod decoder;
mod described;
pub mod draft;
mod envelope;
pub mod field;
pub mod horizon;
pub mod rejected;
mod snake;
mod sniff;
mod splitter;
mod table;
pub(crate) mod times;
mod yaml;

pub use dated::Dated;
pub use decoder::{Ahead, Decoder, Ignored, Item, Layout};
pub use draft::Draft;
pub use field::{Field, OBSERVATION_FIELDS};
pub use horizon::{Census, Horizon};
pub use rejected::{Reason, Rejected};
