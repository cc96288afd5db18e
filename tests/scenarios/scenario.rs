//! A recording of a failure, with the truth about it.

use crate::cluster::id::Id;
use crate::cluster::moment::SECOND;
use crate::cluster::recording::Line;
use crate::failures::Kind;
use crate::noise;
use crate::stage::{Fault, Stage};
use bellbuoy_core::object::Entity;
use std::collections::{BTreeMap, BTreeSet};

/// Minutes that pass before somebody watches, of which the API server still holds the events.
const UNSEEN_MINUTES: i64 = 12;

/// Minutes that are watched before the failure begins.
const BEFORE_MINUTES: (i64, i64) = (2, 6);

/// A recording of a failure, or of none.
pub(crate) struct Scenario {
    pub kind: &'static str,
    pub seed: u64,
    pub lines: Vec<Line>,
    pub truth: Truth,
}

/// What happened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Truth {
    /// What is at fault; none where nothing is.
    pub entities: BTreeSet<Entity>,
    /// Words of the signal.
    pub words: &'static [&'static str],
    /// What suffers, by namespace and name; for kinds without a namespace by an empty one.
    pub affected: BTreeSet<(String, String)>,
    pub everywhere: bool,
    /// When it began.
    pub from: i64,
    /// Namespaces of others, which do not suffer whatever happens.
    pub spared: Vec<String>,
    /// The recording was given other names.
    pub renamed: bool,
    /// Every pod that was, and its workload.
    pub census: BTreeMap<Entity, Entity>,
}

impl Truth {
    /// The thing that a person would name for an entity.
    pub(crate) fn owner(&self, entity: &Entity) -> Entity {
        let stem = |kind: &str| {
            let name = entity.name.rsplit_once('-').map_or(&*entity.name, |(stem, _)| stem);
            Entity::new(kind, &entity.namespace, name)
        };
        match &*entity.kind {
            "Pod" | "Job" => self.census.get(entity).unwrap_or(entity).clone(),
            // A guess from the names of pods.
            "Workload" => {
                let is_it = |owner: &&Entity| owner.namespace == entity.namespace && owner.name == entity.name;
                self.census.values().find(is_it).unwrap_or(entity).clone()
            }
            "ReplicaSet" => stem("Deployment"),
            "EndpointSlice" => stem("Service"),
            _ => entity.clone(),
        }
    }

    /// Whether it is at fault.
    pub(crate) fn is_at_fault(&self, entity: &Entity) -> bool {
        self.entities.contains(entity) || self.entities.contains(&self.owner(entity))
    }

    /// Whether it suffers.
    pub(crate) fn suffers(&self, entity: &Entity) -> bool {
        let owner = self.owner(entity);
        if self.spared.iter().any(|namespace| **namespace == *entity.namespace) {
            return false;
        }
        self.everywhere
            || self.is_at_fault(entity)
            || self.affected.contains(&(owner.namespace.to_string(), owner.name.to_string()))
            || (entity.kind == "PersistentVolumeClaim".into() && self.claims(&owner))
    }

    /// Claims are named after the StatefulSet whose they are.
    fn claims(&self, claim: &Entity) -> bool {
        let of = |(namespace, name): &(String, String)| {
            **namespace == *claim.namespace && claim.name.contains(&format!("-{name}-"))
        };
        self.affected.iter().any(of)
    }
}

/// Records a failure.
pub(crate) fn record(kind: &Kind, seed: u64) -> Scenario {
    let mut stage = Stage::new(seed ^ hash(kind.name) << 8);
    if let Some(prepare) = kind.prepare {
        prepare(&mut stage);
    }
    stage.cluster.start();
    let before = stage.cluster.random.range(BEFORE_MINUTES.0 * 60, BEFORE_MINUTES.1 * 60);
    noise::plan(&mut stage, UNSEEN_MINUTES + before / 60 + kind.minutes, noise::AROUND_FAILURES);
    stage.cluster.run(UNSEEN_MINUTES * 60);
    stage.cluster.list();
    stage.cluster.run(before);
    let from = stage.cluster.now;
    let fault = (kind.inject)(&mut stage);
    stage.cluster.run(kind.minutes * 60);
    finish(kind.name, seed, stage, from, fault)
}

/// Records hours in which nothing fails.
pub(crate) fn record_healthy(seed: u64, hours: i64) -> Scenario {
    let mut stage = Stage::new(seed);
    stage.cluster.start();
    noise::plan(&mut stage, UNSEEN_MINUTES + hours * 60, noise::EVERYTHING);
    stage.cluster.run(UNSEEN_MINUTES * 60);
    stage.cluster.list();
    stage.cluster.run(hours * 3600);
    finish("healthy", seed, stage, 0, Fault::default())
}

fn finish(kind: &'static str, seed: u64, mut stage: Stage, from: i64, fault: Fault) -> Scenario {
    let entity = |id: &Id| id.entity();
    let cluster = &stage.cluster;
    let hit = |id: &Id| fault.entities.contains(id) || fault.affected.contains(id);
    let behind = |id: &&Id| cluster.backends(id).iter().any(|pod| hit(&pod.workload));
    let services: Vec<Id> = cluster.services.keys().filter(behind).cloned().collect();
    let all = fault.entities.iter().chain(&fault.affected).chain(&services);
    let truth = Truth {
        entities: fault.entities.iter().map(entity).collect(),
        words: fault.words,
        affected: all.map(|id| (id.namespace.clone(), id.name.clone())).collect(),
        everywhere: fault.everywhere,
        spared: Vec::new(),
        renamed: false,
        from: from - from.rem_euclid(SECOND),
        census: stage.cluster.census.iter().map(|(pod, workload)| (pod.entity(), workload.entity())).collect(),
    };
    Scenario { kind, seed, lines: stage.cluster.take_lines(), truth }
}

/// A number for a name, so that kinds with one seed do not get one cluster.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)) >> 8
}
