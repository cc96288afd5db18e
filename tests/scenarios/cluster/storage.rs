//! Claims, volumes and classes: bound, provisioned, attached.

use super::Cluster;
use super::event::{Emitter, Said, normal, warning};
use super::id::Id;
use super::moment::SECOND;
use super::pod::Pod;
use super::scheduler::claims;
use super::workload::{ClaimTemplate, Workload};
use serde_json::{Value, json};

/// The driver of the dynamic classes.
pub(crate) const DRIVER: &str = "ebs.csi.aws.com";

impl Cluster {
    /// A storage class.
    pub(crate) fn add_class(&mut self, name: &str, provisioner: &str, waits: bool) {
        let mode = if waits { "WaitForFirstConsumer" } else { "Immediate" };
        self.put(
            &Id::new("StorageClass", "", name),
            json!({"metadata": {"annotations": {}}, "provisioner": provisioner,
            "reclaimPolicy": "Delete", "volumeBindingMode": mode, "allowVolumeExpansion": true}),
        );
    }

    /// A volume that an administrator has made.
    pub(crate) fn add_static_volume(&mut self, name: &str, class: &str, gib: i64, mode: &str) {
        self.put(&Id::new("PersistentVolume", "", name), json!({"metadata": {}, "spec": {"capacity": {"storage": format!("{gib}Gi")},
            "accessModes": [mode], "persistentVolumeReclaimPolicy": "Retain", "storageClassName": class, "volumeMode": "Filesystem",
            "nfs": {"server": "10.0.9.4", "path": format!("/exports/{name}")}}, "status": {"phase": "Available"}}));
    }

    /// The claim of a StatefulSet's pod, bound if nobody watches yet.
    pub(crate) fn claim_for(&mut self, workload: &Workload, pod: &str) {
        for template in &workload.claims {
            let id = Id::new("PersistentVolumeClaim", &workload.id.namespace, &format!("{}-{pod}", template.name));
            if !self.others.contains_key(&id) {
                self.add_claim(&id, template);
                if self.recording {
                    let message =
                        format!("create Claim {} Pod {pod} in StatefulSet {} success", id.name, workload.id.name);
                    let emitter = Emitter::controller("statefulset-controller");
                    self.event(&emitter, &workload.id, &workload.uid, normal("SuccessfulCreate", message));
                }
            }
        }
    }

    /// A claim; the volume controller looks at it at once.
    pub(crate) fn add_claim(&mut self, id: &Id, template: &ClaimTemplate) {
        let mut spec = json!({"accessModes": [template.mode], "volumeMode": "Filesystem",
            "resources": {"requests": {"storage": format!("{}Gi", template.size_gib)}}});
        if !template.class.is_empty() {
            spec["storageClassName"] = json!(template.class);
        }
        self.put(id, json!({"metadata": {"finalizers": ["kubernetes.io/pvc-protection"]}, "spec": spec, "status": {"phase": "Pending"}}));
        if self.recording {
            let id = id.clone();
            self.after_ms(200, move |cluster| cluster.turn_claim(&id));
        } else {
            self.bind_claim(id);
        }
    }

    fn claim_event(&mut self, component: &str, id: &Id, said: Said<'_>) {
        let uid = self.uid_of(id);
        self.event(&Emitter::controller(component), id, &uid, said);
    }

    fn is_bound(&self, id: &Id) -> bool {
        self.others.get(id).is_some_and(|claim| claim["status"]["phase"] == "Bound")
    }

    fn class_of(&self, id: &Id) -> (String, Option<&Value>) {
        let name = self.others.get(id).and_then(|claim| claim["spec"]["storageClassName"].as_str()).unwrap_or_default();
        (name.to_owned(), self.others.get(&Id::new("StorageClass", "", name)))
    }

    /// The volume controller's turn on a claim, every 15 s while it is pending.
    fn turn_claim(&mut self, id: &Id) {
        if !self.others.contains_key(id) || self.is_bound(id) {
            return;
        }
        let again = id.clone();
        self.after(15, move |cluster| cluster.turn_claim(&again));
        if self.stopped.contains("controllers") {
            return;
        }
        if let Some(volume) = self.static_volume(id) {
            return self.bind_to(id, &volume);
        }
        let (name, class) = self.class_of(id);
        let controller = "persistentvolume-controller";
        let Some(class) = class else {
            let said = match name.is_empty() {
                true => normal(
                    "FailedBinding",
                    "no persistent volumes available for this claim and no storage class is set",
                ),
                false => warning("ProvisioningFailed", format!("storageclass.storage.k8s.io \"{name}\" not found")),
            };
            return self.claim_event(controller, id, said);
        };
        let waits = class["volumeBindingMode"] == "WaitForFirstConsumer";
        let provisioner = class["provisioner"].as_str().unwrap_or_default().to_owned();
        if waits && self.others.get(id).is_some_and(|claim| claim["metadata"]["annotations"].is_null()) {
            let message = "waiting for first consumer to be created before binding";
            return self.claim_event(controller, id, normal("WaitForFirstConsumer", message));
        }
        if provisioner == "kubernetes.io/no-provisioner" {
            return;
        }
        let message = format!(
            "Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered."
        );
        self.claim_event(controller, id, normal("ExternalProvisioning", message));
        if self.provisioner_runs() {
            let full =
                format!("External provisioner is provisioning volume for claim \"{}/{}\"", id.namespace, id.name);
            let emitter = format!("{DRIVER}_ebs-csi-controller");
            self.claim_event(&emitter, id, normal("Provisioning", full));
            match self.volume_faults.get(id).cloned() {
                Some(words) => {
                    let message = format!("failed to provision volume with StorageClass \"{name}\": {words}");
                    self.claim_event(&emitter, id, warning("ProvisioningFailed", message));
                }
                None => {
                    let id = id.clone();
                    self.after(3, move |cluster| cluster.bind_claim(&id));
                }
            }
        }
    }

    fn provisioner_runs(&self) -> bool {
        self.pods.values().any(|pod| pod.workload.name == "ebs-csi-controller" && pod.serves())
    }

    fn static_volume(&self, id: &Id) -> Option<String> {
        let claim = self.others.get(id)?;
        let gib =
            |value: &Value| value.as_str().and_then(|text| text.strip_suffix("Gi")?.parse::<i64>().ok()).unwrap_or(0);
        let fits = |volume: &&Value| {
            volume["status"]["phase"] == "Available"
                && volume["spec"]["storageClassName"].as_str().unwrap_or_default()
                    == claim["spec"]["storageClassName"].as_str().unwrap_or_default()
                && volume["spec"]["accessModes"] == claim["spec"]["accessModes"]
                && gib(&volume["spec"]["capacity"]["storage"])
                    >= gib(&claim["spec"]["resources"]["requests"]["storage"])
        };
        let volumes = self.others.iter().filter(|(id, _)| id.kind == "PersistentVolume").map(|(_, volume)| volume);
        volumes.into_iter().find(fits).and_then(|volume| volume["metadata"]["name"].as_str()).map(str::to_owned)
    }

    /// A provisioner makes a volume for a claim.
    fn bind_claim(&mut self, id: &Id) {
        let Some(claim) = self.others.get(id).cloned() else { return };
        let name = format!("pvc-{}", self.uid_of(id));
        let handle = format!("vol-{}", self.random.hex(17));
        self.put(&Id::new("PersistentVolume", "", &name), json!({"metadata": {}, "spec": {
            "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]}, "accessModes": claim["spec"]["accessModes"],
            "persistentVolumeReclaimPolicy": "Delete", "storageClassName": claim["spec"]["storageClassName"], "volumeMode": "Filesystem",
            "claimRef": {"kind": "PersistentVolumeClaim", "namespace": id.namespace, "name": id.name, "uid": claim["metadata"]["uid"]},
            "csi": {"driver": DRIVER, "volumeHandle": handle}}, "status": {"phase": "Bound"}}));
        if self.recording {
            let emitter = format!("{DRIVER}_ebs-csi-controller");
            self.claim_event(
                &emitter,
                id,
                normal("ProvisioningSucceeded", format!("Successfully provisioned volume {name}")),
            );
        }
        self.bind_to(id, &name);
    }

    fn bind_to(&mut self, id: &Id, volume: &str) {
        let (claim_uid, size) = (self.uid_of(id), self.others[id]["spec"]["resources"]["requests"]["storage"].clone());
        self.change(&Id::new("PersistentVolume", "", volume), |object| {
            object["status"]["phase"] = json!("Bound");
            object["spec"]["claimRef"] =
                json!({"kind": "PersistentVolumeClaim", "namespace": id.namespace, "name": id.name, "uid": claim_uid});
        });
        self.change(id, |claim| {
            claim["spec"]["volumeName"] = json!(volume);
            claim["status"] =
                json!({"phase": "Bound", "accessModes": claim["spec"]["accessModes"], "capacity": {"storage": size}});
        });
        self.capacity_changed();
    }

    /// What the scheduler says of a pod's claims.
    pub(crate) fn check_claims(&self, pod: &Pod) -> Result<(), String> {
        let all = self.nodes.len();
        let unhelpful =
            format!("preemption: 0/{all} nodes are available: {all} Preemption is not helpful for scheduling.");
        for claim in claims(pod) {
            let id = Id::new("PersistentVolumeClaim", &pod.id.namespace, claim);
            if !self.others.contains_key(&id) {
                return Err(format!(
                    "0/{all} nodes are available: persistentvolumeclaim \"{claim}\" not found. {unhelpful}"
                ));
            }
            if self.is_bound(&id) {
                continue;
            }
            let class = self.class_of(&id).1;
            let waits = class.is_some_and(|class| class["volumeBindingMode"] == "WaitForFirstConsumer");
            if !waits {
                return Err(format!(
                    "0/{all} nodes are available: pod has unbound immediate PersistentVolumeClaims. {unhelpful}"
                ));
            }
            if class.is_some_and(|class| class["provisioner"] == "kubernetes.io/no-provisioner") {
                let masters = self.nodes.values().filter(|node| node.is_control_plane).count();
                let rest = all - masters;
                return Err(format!(
                    "0/{all} nodes are available: {masters} node(s) had untolerated taint {{node-role.kubernetes.io/control-plane: }}, {rest} node(s) didn't find available persistent volumes to bind. {unhelpful}"
                ));
            }
        }
        Ok(())
    }

    /// The scheduler has chosen a node: claims that waited for it are provisioned first. Whether there are any.
    pub(crate) fn provision_for(&mut self, id: &Id) -> bool {
        let Some(pod) = self.pods.get(id) else { return false };
        let ids: Vec<Id> = claims(pod).map(|claim| Id::new("PersistentVolumeClaim", &id.namespace, claim)).collect();
        let unbound: Vec<Id> =
            ids.into_iter().filter(|id| self.others.contains_key(id) && !self.is_bound(id)).collect();
        for claim in &unbound {
            self.change(claim, |claim| {
                if claim["metadata"]["annotations"].is_null() {
                    claim["metadata"]["annotations"] = json!({"volume.kubernetes.io/selected-node": "chosen"});
                }
            });
        }
        !unbound.is_empty()
    }

    /// The zone in which a pod's volumes lie, where they lie in one.
    pub(crate) fn zone_of_claims(&self, pod: &Pod) -> Option<String> {
        claims(pod).find_map(|claim| {
            let claim = self.others.get(&Id::new("PersistentVolumeClaim", &pod.id.namespace, claim))?;
            let volume = self.others.get(&Id::new("PersistentVolume", "", claim["spec"]["volumeName"].as_str()?))?;
            let term = &volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"][0];
            Some(term["values"][0].as_str()?.to_owned())
        })
    }

    fn volume_of(&self, namespace: &str, claim: &str) -> Option<String> {
        let claim = self.others.get(&Id::new("PersistentVolumeClaim", namespace, claim))?;
        claim["spec"]["volumeName"].as_str().map(str::to_owned)
    }

    /// The attach controller's turn on a new pod.
    pub(crate) fn attach_volumes(&mut self, id: &Id) {
        let Some(pod) = self.pods.get(id).cloned() else { return };
        for claim in claims(&pod) {
            let Some(volume) = self.volume_of(&id.namespace, claim) else { continue };
            let csi = self
                .others
                .get(&Id::new("PersistentVolume", "", &volume))
                .is_some_and(|v| v["spec"]["csi"].is_object());
            if !csi {
                self.attached.insert(volume, pod.node.clone());
                continue;
            }
            let emitter = Emitter::controller("attachdetach-controller");
            let elsewhere = |other: &&Pod| {
                other.id != *id
                    && other.node != pod.node
                    && other.id.namespace == id.namespace
                    && claims(other).any(|c| c == claim)
            };
            let held = self.attached.get(&volume).is_some_and(|node| *node != pod.node)
                && self.pods.values().any(|p| elsewhere(&p));
            if held {
                let message = format!(
                    "Multi-Attach error for volume \"{volume}\" Volume is already exclusively attached to one node and can't be attached to another"
                );
                self.event(&emitter, id, &pod.uid, warning("FailedAttachVolume", message));
            } else if let Some(words) = self.volume_faults.get(&Id::new("PersistentVolume", "", &volume)).cloned() {
                let message = format!("AttachVolume.Attach failed for volume \"{volume}\" : {words}");
                self.event(&emitter, id, &pod.uid, warning("FailedAttachVolume", message));
            } else {
                self.attached.insert(volume.clone(), pod.node.clone());
                let message = format!("AttachVolume.Attach succeeded for volume \"{volume}\" ");
                self.event(&emitter, id, &pod.uid, normal("SuccessfulAttachVolume", message));
                continue;
            }
            let wait = self.random.range(60_000, 120_000);
            return self.pod_after(id, wait, |cluster, id| cluster.attach_volumes(id));
        }
    }

    /// Why a claim cannot be mounted; an empty text where the kubelet only waits for it to be attached.
    pub(crate) fn claim_fault(&self, id: &Id, claim: &str) -> Option<String> {
        let node = &self.pods.get(id)?.node;
        let Some(volume) = self.volume_of(&id.namespace, claim) else { return Some(String::new()) };
        if self.attached.get(&volume) != Some(node) {
            return Some(String::new());
        }
        let object = self.others.get(&Id::new("PersistentVolume", "", &volume));
        if self.nodes.get(node).is_some_and(|node| node.lacks_driver)
            && object.is_some_and(|v| v["spec"]["csi"].is_object())
        {
            return Some(format!(
                "MountVolume.MountDevice failed for volume \"{volume}\" : kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: driver name {DRIVER} not found in the list of registered CSI drivers"
            ));
        }
        let claim = Id::new("PersistentVolumeClaim", &id.namespace, claim);
        self.volume_faults
            .get(&claim)
            .map(|words| format!("MountVolume.SetUp failed for volume \"{volume}\" : {words}"))
    }

    /// Since when a moment is that long ago.
    pub(crate) fn ago(&self, secs: i64) -> i64 {
        self.now - secs * SECOND
    }
}
