//! What the API server says to a new pod: service accounts, quotas, webhooks, pod security.

use super::Cluster;
use super::id::Id;
use super::template::Template;
use serde_json::json;

impl Cluster {
    /// Whether a pod may be created; the API server's words where it may not.
    pub(crate) fn admit(
        &mut self,
        namespace: &str,
        name: &str,
        owner: &str,
        template: &Template,
    ) -> Result<(), String> {
        let account = &template.service_account;
        if !self.has("ServiceAccount", namespace, account) {
            return Err(format!(
                "pods \"{owner}-\" is forbidden: error looking up service account {namespace}/{account}: serviceaccount \"{account}\" not found"
            ));
        }
        let level = self.others.get(&Id::new("Namespace", "", namespace));
        let enforced = level.map(|level| &level["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]);
        if enforced.is_some_and(|level| level == "restricted") {
            let main = &template.containers[0].name;
            return Err(format!(
                "pods \"{name}\" is forbidden: violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false (container \"{main}\" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container \"{main}\" must set securityContext.capabilities.drop=[\"ALL\"]), runAsNonRoot != true (pod or container \"{main}\" must set securityContext.runAsNonRoot=true)"
            ));
        }
        self.ask_webhooks(namespace, owner)?;
        self.check_quota(namespace, name, template)
    }

    fn ask_webhooks(&self, namespace: &str, owner: &str) -> Result<(), String> {
        if matches!(namespace, "kube-system" | "policy") {
            return Ok(());
        }
        for (_, object) in self.others.iter().filter(|(id, _)| id.kind == "ValidatingWebhookConfiguration") {
            let hook = &object["webhooks"][0];
            let service = &hook["clientConfig"]["service"];
            let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
            let (of, name) = (text(&service["namespace"]), text(&service["name"]));
            if hook["failurePolicy"] == "Fail" && self.ready_backends(&of, &name) == 0 {
                return Err(format!(
                    "Internal error occurred: failed calling webhook \"{}\": failed to call webhook: Post \"https://{name}.{of}.svc:443/validate?timeout=10s\": no endpoints available for service \"{name}\"",
                    text(&hook["name"])
                ));
            }
            if let Some(words) = self.denial(namespace, owner) {
                return Err(words.replace("{webhook}", &text(&hook["name"])));
            }
        }
        Ok(())
    }

    /// The words against the pods of a workload, whose ReplicaSets are named after it.
    fn denial(&self, namespace: &str, owner: &str) -> Option<&String> {
        let of = |id: &&Id| id.namespace == namespace && owner.starts_with(&format!("{}-", id.name));
        self.denials.keys().find(of).and_then(|id| self.denials.get(id))
    }

    fn check_quota(&mut self, namespace: &str, name: &str, template: &Template) -> Result<(), String> {
        let quotas = self.others.iter().filter(|(id, _)| id.kind == "ResourceQuota" && id.namespace == namespace);
        for (id, object) in quotas.map(|(id, object)| (id.clone(), object.clone())).collect::<Vec<_>>() {
            let hard = |key: &str| object["spec"]["hard"][key].as_str().and_then(|text| text.parse::<i64>().ok());
            let pods = || self.pods_in(namespace).filter(|pod| pod.is_active());
            let (count, cpu) = (pods().count() as i64, pods().map(|pod| pod.template.cpu_milli()).sum::<i64>() / 1000);
            let ask = (template.cpu_milli() / 1000).max(1);
            let over_pods = hard("pods").filter(|hard| count + 1 > *hard);
            let over_cpu = hard("requests.cpu").filter(|hard| cpu + ask > *hard);
            let refused = match (over_pods, over_cpu) {
                (Some(hard), _) => Some(format!("requested: pods=1, used: pods={count}, limited: pods={hard}")),
                (_, Some(hard)) => Some(format!(
                    "requested: requests.cpu={ask}, used: requests.cpu={cpu}, limited: requests.cpu={hard}"
                )),
                _ => None,
            };
            let added = i64::from(refused.is_none());
            let mut shown = object.clone();
            shown["status"] = json!({"hard": object["spec"]["hard"], "used": {"pods": (count + added).to_string(),
                "requests.cpu": (cpu + ask * added).to_string()}});
            if shown["status"] != object["status"] {
                let key = id.clone();
                self.after_ms(900, move |cluster| cluster.put(&key, shown));
            }
            if let Some(words) = refused {
                return Err(format!("pods \"{name}\" is forbidden: exceeded quota: {}, {words}", id.name));
            }
        }
        Ok(())
    }

    /// A namespace with what every namespace has.
    pub(crate) fn add_namespace(&mut self, name: &str) {
        self.put(
            &Id::new("Namespace", "", name),
            json!({"metadata": {"labels": {"kubernetes.io/metadata.name": name}},
            "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}),
        );
        self.put(&Id::new("ServiceAccount", name, "default"), json!({"metadata": {}}));
        self.put(
            &Id::new("ConfigMap", name, "kube-root-ca.crt"),
            json!({"metadata": {}, "data": {"ca.crt": "-----BEGIN CERTIFICATE-----"}}),
        );
    }
}
