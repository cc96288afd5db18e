//! What a kubelet does until the containers of a pod run: volumes, sandbox, images, configuration.

use super::Cluster;
use super::event::{Emitter, Said, normal, warning};
use super::id::Id;
use super::moment::SECOND;
use super::pod::{Pod, State};
use super::template::{Container, EnvValue, Volume};

/// How long the kubelet waits for volumes before it says so (`podAttachAndMountTimeout` and a retry).
const MOUNT_WAIT_SECS: i64 = 123;

impl Cluster {
    /// Plans the next step of a pod, unless its life takes another turn or nobody is there to do it.
    pub(crate) fn pod_after(&mut self, id: &Id, ms: i64, deed: impl FnOnce(&mut Cluster, &Id) + 'static) {
        let Some(pod) = self.pods.get(id) else { return };
        let (id, uid, turn) = (id.clone(), pod.uid.clone(), pod.turn);
        self.after_ms(ms, move |cluster| {
            let Some(pod) = cluster.pods.get(&id) else { return };
            let alive = cluster.nodes.get(&pod.node).is_some_and(|node| node.is_alive);
            if pod.uid == uid && pod.turn == turn && alive {
                deed(cluster, &id);
            }
        });
    }

    /// An event of the kubelet about a pod.
    pub(crate) fn kubelet_event(&mut self, id: &Id, said: Said<'_>) {
        let Some(pod) = self.pods.get(id) else { return };
        let (emitter, uid) = (Emitter::kubelet(&pod.node), pod.uid.clone());
        self.event(&emitter, id, &uid, said);
    }

    /// Changes a pod and shows it.
    pub(crate) fn with_pod(&mut self, id: &Id, change: impl FnOnce(&mut Pod, i64)) {
        let now = self.now;
        if let Some(pod) = self.pods.get_mut(id) {
            change(pod, now);
            self.pod_changed(id);
        }
    }

    /// The kubelet takes a pod that was bound to its node.
    pub(crate) fn start_pod(&mut self, id: &Id) {
        let Some(node) = self.pods.get(id).and_then(|pod| self.nodes.get(&pod.node)) else { return };
        if let Some((reason, message)) = node.rejects.clone() {
            self.with_pod(id, |pod, now| {
                (pod.phase, pod.reason, pod.message) = ("Failed", reason, message.clone());
                pod.started = Some(now);
            });
            return self.kubelet_event(id, warning(reason, message));
        }
        self.with_pod(id, |pod, now| pod.started = Some(now));
        self.pull_secret_of(id);
        self.attach_volumes(id);
        let now = self.now;
        self.mount(id, 500, now);
    }

    fn pull_secret_of(&mut self, id: &Id) {
        let Some(secret) = self.pods.get(id).and_then(|pod| pod.template.pull_secret.clone()) else { return };
        if !self.has("Secret", &id.namespace, &secret) {
            let message = format!(
                "Unable to retrieve some image pull secrets ({secret}); attempting to pull the image may not succeed."
            );
            self.kubelet_event(id, warning("FailedToRetrieveImagePullSecret", message));
        }
    }

    /// Mounts the volumes; tries again in twice the time, up to two minutes.
    fn mount(&mut self, id: &Id, wait_ms: i64, since: i64) {
        let Some(pod) = self.pods.get(id) else { return };
        let volumes = pod.template.volumes.clone();
        let Some((volume, why)) =
            volumes.iter().find_map(|volume| Some((volume.name(), self.mount_fault(id, volume)?)))
        else {
            if let Some(pod) = self.pods.get_mut(id) {
                pod.mounted = true;
            }
            return self.make_sandbox(id);
        };
        if !why.is_empty() {
            self.kubelet_event(id, warning("FailedMount", why));
        }
        let now = self.now;
        let mut since = since;
        if now - since >= MOUNT_WAIT_SECS * SECOND {
            let names: Vec<String> = volumes.iter().map(Volume::name).collect();
            let message = format!(
                "Unable to attach or mount volumes: unmounted volumes=[{volume}], unattached volumes=[], failed to process volumes=[{}]: timed out waiting for the condition",
                names.join(" ")
            );
            self.kubelet_event(id, warning("FailedMount", message));
            since = now;
        }
        self.pod_after(id, wait_ms, move |cluster, id| cluster.mount(id, (wait_ms * 2).min(122_000), since));
    }

    /// Why a volume cannot be mounted; an empty text where the kubelet only waits.
    fn mount_fault(&self, id: &Id, volume: &Volume) -> Option<String> {
        let name = volume.name();
        let setup = |why: String| Some(format!("MountVolume.SetUp failed for volume \"{name}\" : {why}"));
        match volume {
            Volume::ConfigMap(map) if !self.has("ConfigMap", &id.namespace, map) => {
                setup(format!("configmap \"{map}\" not found"))
            }
            Volume::Secret(secret) if !self.has("Secret", &id.namespace, secret) => {
                setup(format!("secret \"{secret}\" not found"))
            }
            Volume::Claim(claim) => self.claim_fault(id, claim),
            _ => None,
        }
    }

    fn make_sandbox(&mut self, id: &Id) {
        let Some(pod) = self.pods.get(id) else { return };
        let (host, node) = (pod.template.host_network, pod.node.clone());
        let fault = self.nodes.get(&node).and_then(|node| node.sandbox_fault.clone());
        if let Some(fault) = fault.filter(|_| !host) {
            let sandbox = self.random.hex(64);
            let message =
                fault.replace("{pod}", &format!("{}_{}", id.name, id.namespace)).replace("{sandbox}", &sandbox);
            self.kubelet_event(id, warning("FailedCreatePodSandBox", message));
            let wait = self.random.range(11_000, 16_000);
            return self.pod_after(id, wait, |cluster, id| cluster.make_sandbox(id));
        }
        let ip = format!("10.244.{}.{}", self.random.range(0, 250), self.random.range(2, 250));
        if let Some(pod) = self.pods.get_mut(id) {
            (pod.sandbox, pod.ip) = (Some(self.now), ip);
            if pod.template.init.is_empty() {
                pod.initialized = Some(self.now);
            }
        }
        self.pod_after(id, 300, |cluster, id| cluster.next_container(id));
    }

    /// Brings up the init containers one after the other, then the others.
    pub(crate) fn next_container(&mut self, id: &Id) {
        let Some(pod) = self.pods.get(id) else { return };
        match pod.init.iter().position(|run| !run.ready) {
            Some(at) => self.pull(id, at, true),
            None => self.pull(id, 0, false),
        }
    }

    fn container(&self, id: &Id, at: usize, init: bool) -> Option<Container> {
        let template = &self.pods.get(id)?.template;
        match init {
            true => template.init.get(at).map(|(container, _)| container.clone()),
            false => template.containers.get(at).cloned(),
        }
    }

    fn about<'s>(said: Said<'s>, container: &Container, init: bool) -> Said<'s> {
        if init { said.of_init(&container.name) } else { said.of_container(&container.name) }
    }

    fn set_waiting(&mut self, id: &Id, at: usize, init: bool, reason: &'static str, message: String) {
        self.with_pod(id, |pod, _| {
            let runs = if init { &mut pod.init } else { &mut pod.containers };
            runs[at].state = State::Waiting(reason, message);
        });
    }

    /// Pulls an image.
    fn pull(&mut self, id: &Id, at: usize, init: bool) {
        let Some(container) = self.container(id, at, init) else { return self.run_containers(id) };
        let image = container.image.clone();
        let Some((reason, why)) = self.pull_fault(id, &container) else {
            let (size, took) = (self.random.range(20, 300) * 1_000_000, self.random.range(200, 4_000));
            let present = container.pull_policy == "IfNotPresent" && self.random.chance(60);
            let wait = match present {
                true => 50,
                false => {
                    let pulling = normal("Pulling", format!("Pulling image \"{image}\""));
                    self.kubelet_event(id, Self::about(pulling, &container, init));
                    took
                }
            };
            return self.pod_after(id, wait, move |cluster, id| {
                let message = match present {
                    true => format!("Container image \"{image}\" already present on machine"),
                    false => format!(
                        "Successfully pulled image \"{image}\" in {took}ms ({took}ms including waiting). Image size: {size} bytes."
                    ),
                };
                cluster.kubelet_event(id, Self::about(normal("Pulled", message), &container, init));
                cluster.configure(id, at, init);
            });
        };
        if reason == "ErrImageNeverPull" || reason == "InvalidImageName" {
            let event = if reason == "InvalidImageName" { "InspectFailed" } else { reason };
            self.kubelet_event(id, Self::about(warning(event, why.clone()), &container, init));
            let error = Self::about(warning("Failed", format!("Error: {reason}")), &container, init);
            self.kubelet_event(id, error);
            self.set_waiting(id, at, init, reason, why);
            let wait = self.random.range(11_000, 15_000);
            return self.pod_after(id, wait, move |cluster, id| cluster.pull(id, at, init));
        }
        let pulling = normal("Pulling", format!("Pulling image \"{image}\""));
        self.kubelet_event(id, Self::about(pulling, &container, init));
        let took = if why.contains("timeout") { 30_000 } else { self.random.range(500, 2_500) };
        self.pod_after(id, took, move |cluster, id| {
            let message = format!("Failed to pull image \"{image}\": {why}");
            cluster.kubelet_event(id, Self::about(warning("Failed", message), &container, init));
            cluster.kubelet_event(id, Self::about(warning("Failed", "Error: ErrImagePull"), &container, init));
            cluster.set_waiting(id, at, init, "ErrImagePull", why);
            let wait = cluster.random.range(10_000, 14_000);
            cluster.pod_after(id, wait, move |cluster, id| cluster.pull_backs_off(id, at, init));
        });
    }

    fn pull_backs_off(&mut self, id: &Id, at: usize, init: bool) {
        let Some(container) = self.container(id, at, init) else { return };
        let image = &container.image;
        let message = format!("Back-off pulling image \"{image}\"");
        self.kubelet_event(id, Self::about(normal("BackOff", message.clone()), &container, init));
        self.kubelet_event(id, Self::about(warning("Failed", "Error: ImagePullBackOff"), &container, init));
        self.set_waiting(id, at, init, "ImagePullBackOff", message.clone());
        let Some(pod) = self.pods.get_mut(id) else { return };
        let wait = pod.backoff_secs;
        pod.backoff_secs = (wait * 2).min(300);
        for late in [14, 41, 120].into_iter().filter(|late| *late < wait) {
            let (container, message) = (container.clone(), message.clone());
            self.pod_after(id, late * 1000, move |cluster, id| {
                cluster.kubelet_event(id, Self::about(normal("BackOff", message), &container, init));
            });
        }
        self.pod_after(id, wait * 1000, move |cluster, id| cluster.pull(id, at, init));
    }

    /// Puts the environment of a container together.
    fn configure(&mut self, id: &Id, at: usize, init: bool) {
        let Some(container) = self.container(id, at, init) else { return };
        let refused = match self.pods.get(id).map(|pod| &pod.template.fate) {
            Some(super::template::Fate::Refused { reason, message }) if !init && at == 0 => {
                Some((*reason, message.clone()))
            }
            _ => None,
        };
        let fault = self.config_fault(&id.namespace, &container).map(|why| ("CreateContainerConfigError", why));
        let Some((reason, why)) = fault.or(refused) else {
            if init {
                return self.run_init(id, at);
            }
            return self.pull(id, at + 1, false);
        };
        self.kubelet_event(id, Self::about(warning("Failed", format!("Error: {why}")), &container, init));
        self.set_waiting(id, at, init, reason, why);
        let wait = self.random.range(11_000, 15_000);
        self.pod_after(id, wait, move |cluster, id| {
            let message = format!("Container image \"{}\" already present on machine", container.image);
            cluster.kubelet_event(id, Self::about(normal("Pulled", message), &container, init));
            cluster.configure(id, at, init);
        });
    }

    /// What a container's environment refers to and the namespace does not hold.
    pub(crate) fn config_fault(&self, namespace: &str, container: &Container) -> Option<String> {
        for map in &container.env_from_config {
            if !self.has("ConfigMap", namespace, map) {
                return Some(format!("configmap \"{map}\" not found"));
            }
        }
        container.env.iter().find_map(|(_, value)| {
            let (kind, word, name, key) = match value {
                EnvValue::Plain(_) => return None,
                EnvValue::ConfigKey(name, key) => ("ConfigMap", "configmap", name, key),
                EnvValue::SecretKey(name, key) => ("Secret", "secret", name, key),
            };
            let Some(object) = self.others.get(&Id::new(kind, namespace, name)) else {
                return Some(format!("{word} \"{name}\" not found"));
            };
            let has = object["data"].get(key).is_some();
            (!has).then(|| format!("couldn't find key {key} in {kind} {namespace}/{name}"))
        })
    }
}
