//! What the benches share: CPU time, interleaved rounds, tables, workloads, and the passes over them.
//!
//! Absolute figures of a shared machine mean little: its CPUs have fast and slow phases. Every bench therefore runs
//! what it compares in turns, in one process, and puts ratios of CPU time first.
//!
//! - `cargo bench -p bellbuoy-benches --bench correlate`: facts through `correlate`, with and without codec.
//! - `cargo bench -p bellbuoy-benches --bench memory`: the embedded pipeline with many episodes open.
//! - `cargo bench -p bellbuoy-benches --bench pipeline`: the same over Apache Kafka, beside a plain pass-through.
//! - `cargo bench -p bellbuoy-benches --bench replay`: raw recordings, beside parsing the same bytes.
//!
//! The last three explain themselves with `-- --help`.

pub mod bare_rows;
pub mod commit_meter;
pub mod cpu;
pub mod pass_through;
pub mod passes;
pub mod per_partition;
pub mod raw_object;
pub mod raw_recording;
pub mod resident;
pub mod rounds;
pub mod table;
pub mod typed_object;
pub mod workload;

/// Why a bench cannot go on.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The allocator of the program.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
