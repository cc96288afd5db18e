//! The scheduler: which node a pod goes to, or why none takes it.

use super::Cluster;
use super::event::{normal, warning};
use super::id::Id;
use super::node::Node;
use super::pod::Pod;
use super::template::Volume;
use std::collections::BTreeMap;

/// How long the scheduler lets an unschedulable pod lie when nothing happens.
const FLUSH_SECS: i64 = 300;

impl Cluster {
    /// Tries to find a node for a pod.
    pub(crate) fn schedule(&mut self, id: &Id) {
        if self.stopped.contains("scheduler") {
            let id = id.clone();
            return self.after(10, move |cluster| cluster.schedule(&id));
        }
        let Some(pod) = self.pods.get(id) else { return };
        if pod.scheduled.is_some() || pod.deleting.is_some() {
            return;
        }
        let uid = pod.uid.clone();
        match self.node_for(id) {
            Ok(_) if self.provision_for(id) => {
                let id = id.clone();
                self.after(5, move |cluster| cluster.schedule(&id));
            }
            Ok(node) => {
                let message = format!("Successfully assigned {}/{} to {node}", id.namespace, id.name);
                self.scheduler_event(id, &uid, "Binding", normal("Scheduled", message));
                self.with_pod(id, |pod, now| {
                    (pod.node, pod.scheduled, pod.unschedulable) = (node, Some(now), None);
                });
                self.pod_after(id, 150, |cluster, id| cluster.start_pod(id));
            }
            Err(why) => {
                self.scheduler_event(id, &uid, "Scheduling", warning("FailedScheduling", why.clone()));
                let known = pod_words(self.pods.get(id));
                if known.as_deref() != Some(&why) {
                    self.with_pod(id, |pod, now| {
                        let since = pod.unschedulable.as_ref().map_or(now, |(since, _)| *since);
                        pod.unschedulable = Some((since, why.clone()));
                    });
                    self.note_unschedulable(id);
                }
                let id = id.clone();
                self.after(FLUSH_SECS, move |cluster| cluster.schedule(&id));
            }
        }
    }

    /// Something may fit now: the pods that wait are looked at again.
    pub(crate) fn capacity_changed(&mut self) {
        let waiting = self.pods.values().filter(|pod| pod.scheduled.is_none() && pod.deleting.is_none());
        for id in waiting.map(|pod| pod.id.clone()).collect::<Vec<_>>() {
            self.after(1, move |cluster| cluster.schedule(&id));
        }
    }

    /// The node for a pod, or the scheduler's words.
    pub(crate) fn node_for(&self, id: &Id) -> Result<String, String> {
        let Some(pod) = self.pods.get(id) else { return Err(String::new()) };
        self.check_claims(pod)?;
        if let Some((kind, node)) = pinned(pod) {
            return match self.nodes.get(&node) {
                Some(node) if kind == "DaemonSet" && self.reason_against(node, pod, &[]).is_none() => {
                    Ok(node.name.clone())
                }
                Some(_) => Err(format!("0/{} nodes are available: 1 Insufficient memory.", self.nodes.len())),
                None => Err(format!("0/{} nodes are available.", self.nodes.len())),
            };
        }
        let mut against: BTreeMap<String, usize> = BTreeMap::new();
        let mut fitting: Vec<(usize, &str)> = Vec::new();
        let mut by_node: BTreeMap<&str, Vec<&Pod>> = BTreeMap::new();
        for other in self.pods.values() {
            by_node.entry(&other.node).or_default().push(other);
        }
        for node in self.nodes.values() {
            let on = by_node.get(node.name.as_str()).map_or(&[][..], Vec::as_slice);
            match self.reason_against(node, pod, on) {
                Some(reason) => *against.entry(reason).or_default() += 1,
                None => {
                    let same = on.iter().filter(|other| other.workload == pod.workload).count();
                    let rank = if node.name == self.favourite { 0 } else { same * 1000 + on.len() + 1 };
                    fitting.push((rank, &node.name));
                }
            }
        }
        if let Some((_, node)) = fitting.iter().min() {
            return Ok((*node).to_owned());
        }
        let mut words: Vec<String> = against.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        words.sort();
        let helpless =
            against.iter().filter(|(reason, _)| !reason.starts_with("Insufficient")).map(|(_, n)| n).sum::<usize>();
        let victims = self.nodes.len() - helpless;
        let mut preemption = Vec::new();
        if victims > 0 {
            preemption.push(format!("{victims} No preemption victims found for incoming pod"));
        }
        if helpless > 0 {
            preemption.push(format!("{helpless} Preemption is not helpful for scheduling"));
        }
        let all = self.nodes.len();
        Err(format!(
            "0/{all} nodes are available: {}. preemption: 0/{all} nodes are available: {}.",
            words.join(", "),
            preemption.join(", ")
        ))
    }

    /// Why a node does not take a pod, with those that are on it.
    fn reason_against(&self, node: &Node, pod: &Pod, on: &[&Pod]) -> Option<String> {
        let template = &pod.template;
        if node.unschedulable && !template.tolerates_everything {
            return Some("node(s) were unschedulable".to_owned());
        }
        let hard = node.taints.iter().find(|(.., effect)| *effect != "PreferNoSchedule");
        if let Some((key, value, _)) = hard.filter(|_| !template.tolerates_everything) {
            return Some(format!("node(s) had untolerated taint {{{key}: {value}}}"));
        }
        let selects = template.node_selector.iter().all(|pair| node.labels.contains(pair));
        let affine = template.affinity.as_ref().is_none_or(|affinity| affinity_fits(affinity, node));
        if !selects || !affine {
            return Some("node(s) didn't match Pod's node affinity/selector".to_owned());
        }
        if let Some(zone) = self.zone_of_claims(pod)
            && !node.labels.contains(&("topology.kubernetes.io/zone".to_owned(), zone))
        {
            return Some("node(s) had volume node affinity conflict".to_owned());
        }
        let others = || on.iter().copied().filter(|other| other.is_active());
        if spreads(template.affinity.as_ref()) && others().any(|other| other.workload == pod.workload) {
            return Some("node(s) didn't match pod anti-affinity rules".to_owned());
        }
        let used = |of: &dyn Fn(&Pod) -> i64| others().map(of).sum::<i64>() + of(pod);
        if used(&|pod| pod.template.cpu_milli()) > node.cpu_milli {
            return Some("Insufficient cpu".to_owned());
        }
        if used(&|pod| pod.template.memory_mib()) > node.memory_mib || (self.is_full && !node.is_control_plane) {
            return Some("Insufficient memory".to_owned());
        }
        let other = |name: &'static str| {
            move |pod: &Pod| {
                let requests = pod.template.containers.iter().flat_map(|container| &container.other_requests);
                requests.filter(|(resource, ..)| resource == name).map(|(.., amount)| *amount).sum::<i64>()
            }
        };
        if used(&other("nvidia.com/gpu")) > node.gpus {
            return Some("Insufficient nvidia.com/gpu".to_owned());
        }
        if used(&other("ephemeral-storage")) > node.ephemeral_gib {
            return Some("Insufficient ephemeral-storage".to_owned());
        }
        None
    }
}

fn pod_words(pod: Option<&Pod>) -> Option<String> {
    pod.and_then(|pod| pod.unschedulable.as_ref()).map(|(_, words)| words.clone())
}

/// The node that a pod's controller has chosen.
fn pinned(pod: &Pod) -> Option<(&str, String)> {
    let (owner, _) = pod.owner.as_ref()?;
    let fields = &pod.template.affinity.as_ref()?["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    let field = &fields["nodeSelectorTerms"][0]["matchFields"][0];
    Some((owner.kind.as_str(), field["values"][0].as_str()?.to_owned()))
}

fn affinity_fits(affinity: &serde_json::Value, node: &Node) -> bool {
    let required = &affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    let terms = &required["nodeSelectorTerms"][0]["matchExpressions"];
    terms.as_array().is_none_or(|terms| {
        terms.iter().all(|term| {
            let values = term["values"].as_array().cloned().unwrap_or_default();
            node.labels
                .iter()
                .any(|(key, value)| term["key"] == key.as_str() && values.iter().any(|v| v == value.as_str()))
        })
    })
}

fn spreads(affinity: Option<&serde_json::Value>) -> bool {
    affinity.is_some_and(|affinity| affinity["podAntiAffinity"].is_object())
}

/// The claims of a pod.
pub(crate) fn claims(pod: &Pod) -> impl Iterator<Item = &String> {
    pod.template.volumes.iter().filter_map(|volume| match volume {
        Volume::Claim(claim) => Some(claim),
        _ => None,
    })
}
