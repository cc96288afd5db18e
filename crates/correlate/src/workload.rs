//! What makes a pod, as far as names tell.

use bellbuoy_core::object::Entity;

/// The kind of what pods belong to that nobody has told of: a DaemonSet, a Job, a kubelet.
pub(crate) const WORKLOAD: &str = "Workload";

/// Kinds that name their pods after themselves and five letters.
pub(crate) const MAKE_PODS: [&str; 4] = ["DaemonSet", "Job", "ReplicaSet", "ReplicationController"];

/// The alphabet of generated names (`k8s.io/apimachinery/pkg/util/rand`): no vowels, no 0, 1, 3.
const GENERATED: &str = "bcdfghjklmnpqrstvwxz2456789";

/// What the static pods of several nodes have in common: a kubelet puts the name of its node behind theirs.
pub(crate) fn static_pod<'a>(kind: &str, name: &'a str, node: &str) -> Option<&'a str> {
    let base = name.strip_suffix(node).filter(|_| kind == "Pod" && !node.is_empty())?.strip_suffix('-')?;
    (!base.is_empty()).then_some(base)
}

/// Kind and name of the workload that a pod's or ReplicaSet's name speaks of, where no owner is known.
///
/// `cart-7d9c5b4f68-x2x8k` is a pod of Deployment `cart`; `cart-x2x8k` belongs to something called `cart` of unknown
/// kind; Job `report-29272467` is one of CronJob `report`. A pod whose state is known to have no owner is what it is.
pub(crate) fn guessed_owner(name: &Entity) -> Option<(&'static str, &str)> {
    let generated = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&text.len()) && text.chars().all(|c| GENERATED.contains(c))
    };
    match &*name.kind {
        "Pod" => {
            let (base, suffix) = name.name.rsplit_once('-').filter(|(_, suffix)| generated(suffix, 5..=5))?;
            if let Some(scheduled) = scheduled(base) {
                return Some(scheduled);
            }
            match base.rsplit_once('-') {
                Some((base, hash)) if generated(hash, 8..=10) => Some(("Deployment", base)),
                _ if suffix.is_empty() => None,
                _ => Some((WORKLOAD, base)),
            }
        }
        "ReplicaSet" => {
            let (base, _) = name.name.rsplit_once('-').filter(|(_, hash)| generated(hash, 8..=10))?;
            Some(("Deployment", base))
        }
        "Job" => scheduled(&name.name),
        _ => None,
    }
}

/// Minutes since 1970 that a CronJob may put behind the names of its Jobs: 2020 to 2050. Dates such as 20261122 are no such.
const SCHEDULED_MINUTES: std::ops::Range<u64> = 26_000_000..42_000_000;

/// What makes a Job of that name again and again: a CronJob writes the minute of its schedule behind its own name, or the
/// second where it is an old one; others write milliseconds.
fn scheduled(job: &str) -> Option<(&'static str, &str)> {
    let (base, time) = job.rsplit_once('-').filter(|(_, time)| time.bytes().all(|byte| byte.is_ascii_digit()))?;
    let time_is_minute = time.parse().is_ok_and(|minute| SCHEDULED_MINUTES.contains(&minute));
    match time.len() {
        8 if time_is_minute => Some(("CronJob", base)),
        // Until 2033; the hashes of old templates have as many digits.
        10 if time.starts_with('1') => Some(("CronJob", base)),
        13 => Some((WORKLOAD, base)),
        _ => None,
    }
}

/// Whether a text is what a StatefulSet puts behind the names of its pods.
pub(crate) fn is_ordinal(text: &str) -> bool {
    !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(kind: &str, name: &str) -> Option<String> {
        guessed_owner(&Entity::new(kind, "shop", name)).map(|(kind, name)| format!("{kind} {name}"))
    }

    #[test]
    fn owners_are_guessed_from_generated_names_only() {
        assert_eq!(guess("Pod", "cart-7d9c5b4f68-x2x8k").as_deref(), Some("Deployment cart"));
        assert_eq!(guess("Pod", "node-agent-x2x8k").as_deref(), Some("Workload node-agent"));
        assert_eq!(guess("Pod", "web-frontend"), None);
        assert_eq!(guess("Pod", "redis-0"), None);
        assert_eq!(guess("ReplicaSet", "cart-7d9c5b4f68").as_deref(), Some("Deployment cart"));
        assert_eq!(guess("Node", "pool-7d9c5b4f68-x2x8k"), None);
        assert_eq!(guess("Job", "report-29272467").as_deref(), Some("CronJob report"));
        assert_eq!(guess("Pod", "report-29272467-x2x8k").as_deref(), Some("CronJob report"));
        assert_eq!(guess("Job", "report-1617273747").as_deref(), Some("CronJob report"));
        assert_eq!(guess("Job", "tidy-1786586439623").as_deref(), Some("Workload tidy"));
        assert_eq!(guess("Job", "report-20261122"), None, "a date");
        assert_eq!(guess("Job", "report-2292390140"), None, "the hash of an old template");
        assert_eq!(guess("Job", "report-7"), None);
    }
}
