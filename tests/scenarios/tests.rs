//! The suites: every kind of failure, healthy hours, each source alone, and changes that change no verdict.
//!
//! By default each kind runs in one small cluster. The environment asks for more: `BELLBUOY_SCENARIO_SEEDS=20` clusters of
//! each kind, `BELLBUOY_SCENARIO_KIND=node` only the kinds whose name holds it, `BELLBUOY_SCENARIO_SEED=7` that seed only,
//! `BELLBUOY_SCENARIO_NODES=5000` nodes, `BELLBUOY_HEALTHY_HOURS=1000` healthy hours. `BELLBUOY_SCENARIO_DUMP=folder`
//! writes the recordings there; `bellbuoy replay` reads them.

mod failures;
mod floors;
mod healthy;
mod metamorphic;
mod settings;
mod sources;
