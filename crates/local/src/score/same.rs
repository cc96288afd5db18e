//! When two names mean one thing to a person: a pod and its owner, a missing object and what refers to it.

use bellbuoy_core::incident::Incident;
use bellbuoy_core::object::Entity;
use std::collections::BTreeSet;

/// Kinds that an incident names because a message says that something needs them, and that a person may as well call by
/// what needs them. `Image` and `Registry` are Bellbuoy's own.
const NAMED_KINDS: [&str; 15] = [
    "ConfigMap",
    "Secret",
    "ServiceAccount",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "ResourceClaim",
    "ResourceQuota",
    "LimitRange",
    "StorageClass",
    "PriorityClass",
    "RuntimeClass",
    "IngressClass",
    "DeviceClass",
    "Image",
    "Registry",
];

/// What a workload is called whose kind no source has told.
const ANY_WORKLOAD: &str = "Workload";

/// What the name of a part adds to that of its owner, dash by dash. Kubernetes generates these names: the hash of a pod
/// template and five random characters (`k8s.io/apimachinery/pkg/util/rand`), an ordinal, a schedule's minute.
#[derive(Clone, Copy)]
enum Suffix {
    /// The hash of a pod template.
    Hash,
    /// Five random characters.
    Random,
    /// A number.
    Number,
}

/// Owner, part, and what the part's name adds.
const OWNERS: [(&str, &str, &[Suffix]); 15] = [
    ("Deployment", "ReplicaSet", &[Suffix::Hash]),
    ("Deployment", "Pod", &[Suffix::Hash, Suffix::Random]),
    ("Rollout", "ReplicaSet", &[Suffix::Hash]),
    ("Rollout", "Pod", &[Suffix::Hash, Suffix::Random]),
    ("ReplicaSet", "Pod", &[Suffix::Random]),
    ("DaemonSet", "Pod", &[Suffix::Random]),
    ("StatefulSet", "Pod", &[Suffix::Number]),
    ("Job", "Pod", &[Suffix::Random]),
    ("Job", "Pod", &[Suffix::Number, Suffix::Random]),
    ("CronJob", "Job", &[Suffix::Number]),
    ("CronJob", "Pod", &[Suffix::Number, Suffix::Random]),
    ("ReplicationController", "Pod", &[Suffix::Random]),
    ("DeploymentConfig", "ReplicationController", &[Suffix::Number]),
    ("DeploymentConfig", "Pod", &[Suffix::Number, Suffix::Random]),
    (ANY_WORKLOAD, "Pod", &[Suffix::Random]),
];

/// The longest name that Kubernetes generates, and what of it the owner's name may fill.
const GENERATED_BYTES_MAX: usize = 63;
const GENERATED_STEM_BYTES_MAX: usize = 58;

/// Whether an incident's entity is what a label names: the thing itself, its owner or a part of it; or, where this
/// incident says that one follows from the other, the object that a message names or what refers to it.
pub(super) fn is_meant(incident: &Incident, labelled: &Entity, said: &Entity) -> bool {
    is_same(labelled, said) || follows(incident, labelled, said) || follows(incident, said, labelled)
}

/// Whether two names mean one thing: equal, or an owner and its part.
pub(super) fn is_same(a: &Entity, b: &Entity) -> bool {
    a == b || owns(a, b) || owns(b, a) || is_unknown_kind_of(a, b) || is_unknown_kind_of(b, a)
}

/// Whether members of the incident lead from `referrer` up to `named` over objects that messages name, and only them.
fn follows(incident: &Incident, referrer: &Entity, named: &Entity) -> bool {
    if !NAMED_KINDS.contains(&&*named.kind) {
        return false;
    }
    let mut reached = BTreeSet::from([referrer]);
    loop {
        let before = reached.len();
        for member in &incident.members {
            let Some(by) = member.explained_by.as_ref().filter(|by| NAMED_KINDS.contains(&&*by.entity.kind)) else {
                continue;
            };
            if reached.iter().any(|entity| is_same(entity, &member.entity)) {
                reached.insert(&by.entity);
            }
        }
        if reached.contains(named) {
            return true;
        }
        if reached.len() == before {
            return false;
        }
    }
}

fn is_unknown_kind_of(unknown: &Entity, known: &Entity) -> bool {
    let is_workload = OWNERS.iter().any(|(owner, _, _)| *owner == &*known.kind);
    &*unknown.kind == ANY_WORKLOAD
        && is_workload
        && unknown.namespace == known.namespace
        && (unknown.name == known.name
            || OWNERS.iter().any(|(owner, part, suffixes)| {
                // A Job of a CronJob has a name of its own, and its pods speak of no more than that.
                *owner == &*known.kind && *part != "Pod" && is_generated(&known.name, &unknown.name, suffixes)
            }))
}

/// Whether the part is named as Kubernetes names parts of the owner.
fn owns(owner: &Entity, part: &Entity) -> bool {
    let has_name = |(owner_kind, part_kind, suffixes): &(&str, &str, &[Suffix])| {
        *owner_kind == &*owner.kind && *part_kind == &*part.kind && is_generated(&owner.name, &part.name, suffixes)
    };
    owner.namespace == part.namespace && OWNERS.iter().any(has_name)
}

fn is_generated(owner: &str, part: &str, suffixes: &[Suffix]) -> bool {
    let is_whole = |rest: &str| {
        let mut words = rest.split('-');
        // The rest begins with a dash, and nothing stands before that.
        words.next() == Some("")
            && suffixes.iter().all(|suffix| words.next().is_some_and(|word| suffix.fits(word)))
            && words.next().is_none()
    };
    part.strip_prefix(owner).is_some_and(is_whole) || is_cut(owner, part, suffixes)
}

/// A generated name that would be too long loses what stands before its random end.
fn is_cut(owner: &str, part: &str, suffixes: &[Suffix]) -> bool {
    if !matches!(suffixes.last(), Some(Suffix::Random)) || part.len() != GENERATED_BYTES_MAX {
        return false;
    }
    let (Some(stem), Some(random)) = (part.get(..GENERATED_STEM_BYTES_MAX), part.get(GENERATED_STEM_BYTES_MAX..))
    else {
        return false;
    };
    let kept = owner.get(..GENERATED_STEM_BYTES_MAX.min(owner.len())).unwrap_or(owner);
    let is_rest =
        |rest: &str| rest.is_empty() || rest.strip_prefix('-').is_some_and(|rest| rest.bytes().all(is_of_hash));
    Suffix::Random.fits(random) && stem.strip_prefix(kept).is_some_and(is_rest)
}

impl Suffix {
    fn fits(self, word: &str) -> bool {
        match self {
            // Shorter hashes exist, one in ten thousand; words of a name's own that short are far commoner.
            Self::Hash => (6..=10).contains(&word.len()) && word.bytes().all(is_of_hash),
            Self::Random => word.len() == 5 && word.bytes().all(is_of_hash),
            Self::Number => !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()),
        }
    }
}

/// Generated names hold no vowels, lest they become words; hashes of old were decimal numbers.
fn is_of_hash(byte: u8) -> bool {
    byte.is_ascii_digit() || byte.is_ascii_lowercase() && !b"aeiouy".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellbuoy_core::incident::{Explanation, Member};

    fn entity(text: &str) -> Entity {
        let (kind, name) = text.split_once(' ').unwrap();
        let (namespace, name) = name.split_once('/').unwrap_or(("", name));
        Entity::new(kind, namespace, name)
    }

    #[track_caller]
    fn check(a: &str, b: &str, same: bool) {
        assert_eq!(is_same(&entity(a), &entity(b)), same, "{a} and {b}");
        assert_eq!(is_same(&entity(b), &entity(a)), same, "{b} and {a}");
    }

    #[test]
    fn a_pod_counts_as_its_owner_and_the_owner_as_its_pod() {
        for owner in ["Deployment shop/cart", "ReplicaSet shop/cart-7d9c5b4f68", "Rollout shop/cart"] {
            check(owner, "Pod shop/cart-7d9c5b4f68-x2x8k", true);
        }
        check("Deployment shop/cart", "ReplicaSet shop/cart-7d9c5b4f68", true);
        check("Deployment shop/cart", "Pod shop/cart-1489103716-x2x8k", true);
        check("StatefulSet shop/redis", "Pod shop/redis-12", true);
        check("DaemonSet kube-system/kube-proxy", "Pod kube-system/kube-proxy-x2x8k", true);
        check("Job batch/load", "Pod batch/load-x2x8k", true);
        check("Job batch/load", "Pod batch/load-3-x2x8k", true);
        check("CronJob batch/backup", "Job batch/backup-28394857", true);
        check("CronJob batch/backup", "Pod batch/backup-28394857-x2x8k", true);
    }

    #[test]
    fn what_merely_begins_alike_is_something_else() {
        check("Deployment shop/cart", "Pod shop/cart-db-7d9c5b4f68-x2x8k", false);
        check("Deployment shop/cart", "Pod shop/cart-db-x2x8k", false);
        check("Deployment shop/cart", "Pod shop/cart-abc", false);
        check("Deployment shop/cart", "Pod other/cart-7d9c5b4f68-x2x8k", false);
        check("Service shop/cart", "Pod shop/cart-7d9c5b4f68-x2x8k", false);
        check("StatefulSet shop/redis", "Pod shop/redis-master-0", false);
        check("Deployment shop/cart", "Deployment shop/Cart", false);
        check("Deployment shop/cart", "Deployment /cart", false);
        check("Pod shop/cart-7d9c5b4f68-x2x8k", "Pod shop/cart-7d9c5b4f68-z5z5z", false);
        check("Deployment shop/cart", "StatefulSet shop/cart", false);
    }

    #[test]
    fn long_names_are_cut_before_their_random_end() {
        let long = "a".repeat(55);
        check(&format!("Deployment shop/{long}"), &format!("Pod shop/{long}-7dx2x8k"), true);
        check(&format!("Deployment shop/{long}"), &format!("Pod shop/{long}x7dx2x8k"), false);
        let longer = "a".repeat(60);
        check(&format!("DaemonSet shop/{longer}"), &format!("Pod shop/{}x2x8k", "a".repeat(58)), true);
        check(&format!("StatefulSet shop/{longer}"), &format!("Pod shop/{}x2x8k", "a".repeat(58)), false);
    }

    #[test]
    fn a_workload_of_unknown_kind_is_the_one_of_its_name() {
        check("Workload shop/agent", "DaemonSet shop/agent", true);
        check("Workload shop/agent", "Pod shop/agent-x2x8k", true);
        check("Workload batch/backup-28394857", "CronJob batch/backup", true);
        check("Workload shop/agent", "Service shop/agent", false);
        check("Workload shop/agent", "DaemonSet other/agent", false);
    }

    /// `effect < cause`, one for each member.
    fn incident(edges: &[&str]) -> Incident {
        let member = |edge: &&str| {
            let (effect, cause) = edge.split_once(" < ").unwrap();
            let explained_by = Some(Explanation { entity: entity(cause), ..Explanation::default() });
            Member { entity: entity(effect), explained_by, ..Member::default() }
        };
        Incident { members: edges.iter().map(member).collect(), ..Incident::default() }
    }

    #[test]
    fn a_named_object_counts_as_what_refers_to_it_where_the_incident_says_so() {
        let chain = incident(&[
            "Deployment shop/cart < PersistentVolumeClaim shop/data",
            "PersistentVolumeClaim shop/data < StorageClass fast",
            "Deployment shop/web < Node worker-1",
            "Service shop/cart < Deployment shop/cart",
        ]);
        let meant = |a: &str, b: &str| is_meant(&chain, &entity(a), &entity(b));
        for (a, b, expect) in [
            ("Deployment shop/cart", "PersistentVolumeClaim shop/data", true),
            ("Deployment shop/cart", "StorageClass fast", true),
            ("Pod shop/cart-7d9c5b4f68-x2x8k", "StorageClass fast", true),
            // A node is no object that a message names as missing, and a Service refers to nothing.
            ("Deployment shop/web", "Node worker-1", false),
            ("Service shop/cart", "Deployment shop/cart", false),
            ("Service shop/cart", "StorageClass fast", false),
            ("Deployment shop/web", "StorageClass fast", false),
            ("Deployment shop/cart", "StorageClass slow", false),
        ] {
            assert_eq!(meant(a, b), expect, "{a} for {b}");
            assert_eq!(meant(b, a), expect, "{b} for {a}");
        }
        assert!(!is_meant(&Incident::default(), &entity("Deployment shop/cart"), &entity("StorageClass fast")));
    }
}
