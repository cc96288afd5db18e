//! What `kubectl describe` tells about: the name, namespace and kind of the object above a table of its Events.

/// First words of lines that only one kind of object is described with; the last of them that was seen decides.
const KIND_LINES: [(&str, &str); 16] = [
    ("Access Modes:", "PersistentVolumeClaim"),
    ("Completions:", "Job"),
    ("Concurrency Policy:", "CronJob"),
    ("Containers:", "Pod"),
    ("Desired Number of Nodes Scheduled:", "DaemonSet"),
    ("Init Containers:", "Pod"),
    ("Min replicas:", "HorizontalPodAutoscaler"),
    ("Non-terminated Pods:", "Node"),
    ("Provisioner:", "StorageClass"),
    ("Reclaim Policy:", "PersistentVolume"),
    ("Replicas:", "ReplicaSet"),
    ("Role:", "Node"),
    ("Roles:", "Node"),
    ("Rules:", "Ingress"),
    ("Session Affinity:", "Service"),
    ("StrategyType:", "Deployment"),
];

/// An object that is described.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Described {
    /// Its kind: its own word for it, or what its lines say.
    pub(crate) kind: String,
    /// Its namespace; empty where it has none.
    pub(crate) namespace: String,
    /// Its name.
    pub(crate) name: String,
    /// When it was created, in the words of the description.
    pub(crate) created: String,
    /// Whether it is a node that takes no new pods.
    pub(crate) unschedulable: bool,
}

impl Described {
    /// Takes a line of a description in; a name begins another object.
    pub(crate) fn take(&mut self, line: &str) {
        let (key, value) = line.split_once(':').unwrap_or((line, ""));
        match (key, value.trim()) {
            ("Name", name) => *self = Self { name: name.to_owned(), ..Self::default() },
            ("Namespace", namespace) => self.namespace = namespace.to_owned(),
            ("CreationTimestamp", created) => self.created = created.to_owned(),
            ("Unschedulable", unschedulable) => self.unschedulable = unschedulable == "true",
            // What is not built in is described field by field.
            ("Kind", kind) if !kind.is_empty() => self.kind = kind.to_owned(),
            ("Update Strategy", _) => self.kind = "StatefulSet".to_owned(),
            _ => {
                let kind = KIND_LINES.iter().find(|(first, _)| line.starts_with(first));
                // A Deployment, a Job and their like tell of replicas and volumes too, below what is their own.
                if let Some((_, kind)) = kind.filter(|_| self.kind.is_empty() || self.kind == "ReplicaSet") {
                    self.kind = (*kind).to_owned();
                }
            }
        }
    }
}

/// Whether the beginning of a text describes an object.
pub(crate) fn is_description(head: &str) -> bool {
    // Older versions set the values off with tabs.
    let is_set_off = |value: &str| value.starts_with("  ") || value.starts_with('\t');
    let has = |key: &str| head.lines().any(|line| line.strip_prefix(key).is_some_and(is_set_off));
    has("Name:") && ["Namespace:", "Labels:", "Annotations:"].into_iter().any(has)
}
