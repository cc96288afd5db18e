//! What a kubelet's probes find, and what it does about it.

use super::Cluster;
use super::event::{normal, warning};
use super::id::Id;
use super::template::{Fate, Probe, Scheme, Temper, Template};

impl Cluster {
    /// While a program starts, nothing listens yet: its probes say so, and that is no harm.
    pub(crate) fn probe_starting(&mut self, id: &Id, template: &Template, start_ms: i64) {
        let container = &template.containers[0];
        let (kind, probe) = match (&container.startup, &container.readiness) {
            (Some(probe), _) => ("Startup", probe.clone()),
            (None, Some(probe)) => ("Readiness", probe.clone()),
            (None, None) => return,
        };
        let first = self.random.range(0, probe.period_secs * 1000) + probe.initial_secs * 1000;
        for at in (first..start_ms).step_by((probe.period_secs * 1000) as usize) {
            let (port, path, name) = (probe.port, probe.path.clone(), container.name.clone());
            self.pod_after(id, at, move |cluster, id| {
                let Some(ip) = cluster.pods.get(id).map(|pod| pod.ip.clone()) else { return };
                let message = format!("{kind} probe failed: Get \"http://{ip}:{port}{path}\": dial tcp {ip}:{port}: connect: connection refused");
                cluster.kubelet_event(id, warning("Unhealthy", message).of_container(&name));
            });
        }
    }

    /// The readiness probe of a program that works: it says what the program says of itself.
    pub(crate) fn probe_answers(&mut self, id: &Id) {
        let Some(pod) = self.pods.get(id) else { return };
        match (&pod.complaint, pod.template.temper) {
            (Some(words), Temper::Honest) => {
                let words = words.clone();
                self.probe_fails(id, "Readiness", words, 1);
            }
            _ => self.set_ready(id, true),
        }
    }

    /// A probe fails, and again until something changes.
    pub(crate) fn probe_fails(&mut self, id: &Id, kind: &'static str, words: String, times: i64) {
        let Some(pod) = self.pods.get(id) else { return };
        let container = &pod.template.containers[0];
        let probe = match kind {
            "Liveness" => &container.liveness,
            "Startup" => &container.startup,
            _ => &container.readiness,
        };
        let (period, failures) = probe.as_ref().map_or((10, 3), |probe| (probe.period_secs, probe.failures));
        let (name, ready, ip) = (container.name.clone(), pod.ready, pod.ip.clone());
        if kind == "Readiness"
            && pod.template.fate == Fate::Serves
            && pod.complaint.is_none()
            && self.probe_fault(id, &pod.template.clone()).is_none()
        {
            return self.set_ready(id, true);
        }
        let message = format!("{kind} probe failed: {}", words.replace("{ip}", &ip));
        self.kubelet_event(id, warning("Unhealthy", message).of_container(&name));
        if times >= failures {
            match kind {
                "Readiness" if ready => self.set_ready(id, false),
                "Readiness" => {}
                _ => {
                    let word = kind.to_lowercase();
                    let message = format!("Container {name} failed {word} probe, will be restarted");
                    self.kubelet_event(id, normal("Killing", message).of_container(&name));
                    return self.end(id, 137, "Error", String::new());
                }
            }
        }
        let wait = period * 1000 + self.random.range(-200, 200);
        self.pod_after(id, wait, move |cluster, id| cluster.probe_fails(id, kind, words, times + 1));
    }

    /// Why a probe cannot succeed, whatever the program does.
    pub(crate) fn probe_fault(&self, id: &Id, template: &Template) -> Option<(&'static str, String)> {
        let container = &template.containers[0];
        let ip = self.pods.get(id).map_or("10.244.0.9", |pod| pod.ip.as_str());
        let fault = |probe: &Option<Probe>| {
            let probe = probe.as_ref()?;
            let (port, path) = (probe.port, &probe.path);
            let scheme = if probe.scheme == Scheme::Https { "https" } else { "http" };
            let Some(open) = container.ports.iter().find(|open| open.number == port) else {
                let dial = format!("dial tcp {ip}:{port}: connect: connection refused");
                return Some(match probe.scheme {
                    Scheme::Tcp => dial,
                    _ => format!("Get \"{scheme}://{ip}:{port}{path}\": {dial}"),
                });
            };
            match (probe.scheme, open.scheme) {
                (Scheme::Https, Scheme::Http) => {
                    Some(format!("Get \"https://{ip}:{port}{path}\": http: server gave HTTP response to HTTPS client"))
                }
                (Scheme::Http, Scheme::Https) => Some("HTTP probe failed with statuscode: 400".to_owned()),
                _ => None,
            }
        };
        fault(&container.startup)
            .map(|words| ("Startup", words))
            .or_else(|| fault(&container.liveness).map(|words| ("Liveness", words)))
            .or_else(|| fault(&container.readiness).map(|words| ("Readiness", words)))
    }
}
