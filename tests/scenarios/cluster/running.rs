//! Containers that run, fail their probes, end, and are started again.

use super::Cluster;
use super::event::{normal, warning};
use super::id::Id;
use super::moment::SECOND;
use super::pod::{Ended, State};
use super::template::{Fate, Temper};

impl Cluster {
    /// Runs an init container.
    pub(crate) fn run_init(&mut self, id: &Id, at: usize) {
        let Some((container, fate)) = self.pods.get(id).and_then(|pod| pod.template.init.get(at).cloned()) else {
            return;
        };
        self.kubelet_event(
            id,
            normal("Created", format!("Created container: {}", container.name)).of_init(&container.name),
        );
        self.kubelet_event(
            id,
            normal("Started", format!("Started container {}", container.name)).of_init(&container.name),
        );
        self.with_pod(id, |pod, now| pod.init[at].state = State::Running(now));
        match fate {
            Fate::Exits { code, reason, after_secs } => {
                self.pod_after(id, after_secs * 1000, move |cluster, id| cluster.end_init(id, at, code, reason));
            }
            Fate::NeverReady(_) => {}
            _ => self.pod_after(id, 1500, move |cluster, id| cluster.end_init(id, at, 0, "Completed")),
        }
    }

    fn end_init(&mut self, id: &Id, at: usize, code: i32, reason: &'static str) {
        self.with_pod(id, |pod, now| {
            let run = &mut pod.init[at];
            let started = if let State::Running(since) = run.state { since } else { now };
            let ended = Ended { code, reason, message: String::new(), started, finished: now };
            run.last = (code != 0).then(|| ended.clone());
            (run.state, run.ready) = (State::Ended(ended), code == 0);
            if pod.init.iter().all(|run| run.ready) {
                pod.initialized = Some(now);
            }
        });
        if code == 0 {
            return self.next_container(id);
        }
        let Some(pod) = self.pods.get(id) else { return };
        let name = pod.template.init[at].0.name.clone();
        self.back_off(id, &name, true, at);
    }

    /// Starts all containers of a pod.
    pub(crate) fn run_containers(&mut self, id: &Id) {
        self.note_calls(id);
        let Some(pod) = self.pods.get(id) else { return };
        let names: Vec<String> = pod.template.containers.iter().map(|container| container.name.clone()).collect();
        let fate = pod.template.fate.clone();
        for (at, name) in names.iter().enumerate() {
            let runs = matches!(self.pods.get(id).map(|pod| &pod.containers[at].state), Some(State::Running(_)));
            if runs {
                continue;
            }
            self.kubelet_event(id, normal("Created", format!("Created container: {name}")).of_container(name));
            if let (Fate::CannotStart { code, message }, 0) = (&fate, at) {
                let said = warning("Failed", format!("Error: {message}")).of_container(name);
                self.kubelet_event(id, said);
                self.end(id, *code, "StartError", message.clone());
                return;
            }
            self.kubelet_event(id, normal("Started", format!("Started container {name}")).of_container(name));
        }
        self.with_pod(id, |pod, now| {
            pod.phase = "Running";
            for (at, run) in pod.containers.iter_mut().enumerate() {
                if !matches!(run.state, State::Running(_)) {
                    run.state = State::Running(now);
                }
                run.ready |= at > 0;
            }
        });
        self.live(id);
    }

    /// What becomes of the main container that has just started.
    fn live(&mut self, id: &Id) {
        let Some(pod) = self.pods.get(id) else { return };
        let template = pod.template.clone();
        let brittle = pod.complaint.is_some() && template.temper == Temper::Brittle;
        let start = (template.start_secs * 1000).max(1000) + self.random.range(0, 1500);
        match &template.fate {
            Fate::Exits { code, reason, after_secs } => {
                let (code, reason) = (*code, *reason);
                let wait = after_secs * 1000 + self.random.range(0, 900);
                // A program that ends sooner has answered no probe.
                if *after_secs > template.start_secs + 5 {
                    self.pod_after(id, start, |cluster, id| cluster.set_ready(id, true));
                }
                self.pod_after(id, wait, move |cluster, id| cluster.end(id, code, reason, String::new()));
            }
            Fate::Completes(secs) => {
                self.pod_after(id, secs * 1000, |cluster, id| cluster.end(id, 0, "Completed", String::new()));
            }
            Fate::FillsDisk { after_secs, message } => {
                let (message, wait) = (message.clone(), after_secs * 1000);
                self.pod_after(id, start, |cluster, id| cluster.set_ready(id, true));
                self.pod_after(id, wait, move |cluster, id| cluster.evict_for_disk(id, message));
            }
            Fate::FailsHook(why) => {
                let (why, name) = (why.clone(), template.containers[0].name.clone());
                self.pod_after(id, 1200, move |cluster, id| {
                    cluster.kubelet_event(id, warning("FailedPostStartHook", why).of_container(&name));
                    let message = "FailedPostStartHook";
                    cluster.kubelet_event(id, normal("Killing", message).of_container(&name));
                    cluster.end(id, 137, "Error", String::new());
                });
            }
            _ if brittle => {
                let wait = self.random.range(2_000, 7_000);
                self.pod_after(id, wait, |cluster, id| cluster.end(id, 1, "Error", String::new()));
            }
            fate => {
                let words = match fate {
                    Fate::FailsLiveness(words) => Some(("Liveness", words.clone())),
                    Fate::FailsStartup(words) => Some(("Startup", words.clone())),
                    Fate::NeverReady(words) => Some(("Readiness", words.clone())),
                    _ => self.probe_fault(id, &template),
                };
                match words {
                    Some((kind, words)) => {
                        if kind == "Liveness" && matches!(fate, Fate::FailsLiveness(_)) {
                            self.pod_after(id, start, |cluster, id| cluster.set_ready(id, true));
                        }
                        self.pod_after(id, 10_000, move |cluster, id| cluster.probe_fails(id, kind, words, 1));
                    }
                    None => {
                        self.probe_starting(id, &template, start);
                        self.pod_after(id, start, |cluster, id| cluster.probe_answers(id));
                    }
                }
            }
        }
    }

    /// The main container becomes ready or unready.
    pub(crate) fn set_ready(&mut self, id: &Id, ready: bool) {
        let Some(pod) = self.pods.get(id) else { return };
        if pod.ready == ready || !matches!(pod.containers[0].state, State::Running(_)) {
            return;
        }
        self.with_pod(id, |pod, now| {
            pod.containers[0].ready = ready;
            (pod.ready, pod.ready_since) = (ready, now);
        });
        if ready {
            self.pod_after(id, 600_000, |cluster, id| {
                if let Some(pod) = cluster.pods.get_mut(id) {
                    pod.backoff_secs = 10;
                }
            });
        }
    }

    /// A running program meets its fate without having been started anew.
    pub(crate) fn deadlock(&mut self, id: &Id) {
        let Some(pod) = self.pods.get_mut(id) else { return };
        pod.turn += 1;
        let words = match &pod.template.fate {
            Fate::FailsLiveness(words) => ("Liveness", words.clone()),
            Fate::NeverReady(words) => ("Readiness", words.clone()),
            _ => return,
        };
        let wait = self.random.range(1_000, 10_000);
        self.pod_after(id, wait, move |cluster, id| cluster.probe_fails(id, words.0, words.1, 1));
    }

    /// What a running program says of itself changes.
    pub(crate) fn complain(&mut self, id: &Id, complaint: Option<String>) {
        let Some(pod) = self.pods.get_mut(id) else { return };
        if pod.complaint == complaint {
            return;
        }
        pod.complaint = complaint.clone();
        let runs = matches!(pod.containers[0].state, State::Running(_)) && pod.phase == "Running";
        if !runs || pod.template.fate != Fate::Serves {
            return;
        }
        match (complaint, pod.template.temper) {
            (Some(words), Temper::Honest) => {
                pod.turn += 1;
                let wait = self.random.range(500, 10_000);
                self.pod_after(id, wait, |cluster, id| cluster.probe_fails(id, "Readiness", words, 1));
            }
            (Some(_), Temper::Brittle) => {
                pod.turn += 1;
                let wait = self.random.range(2_000, 9_000);
                self.pod_after(id, wait, |cluster, id| cluster.end(id, 1, "Error", String::new()));
            }
            (None, Temper::Honest) => {
                pod.turn += 1;
                let wait = self.random.range(500, 10_000);
                self.pod_after(id, wait, |cluster, id| cluster.probe_answers(id));
            }
            _ => {}
        }
    }

    /// The main container ends.
    pub(crate) fn end(&mut self, id: &Id, code: i32, reason: &'static str, message: String) {
        let Some(pod) = self.pods.get_mut(id) else { return };
        pod.turn += 1;
        let (policy, name) = (pod.template.restart_policy, pod.template.containers[0].name.clone());
        self.with_pod(id, |pod, now| {
            let run = &mut pod.containers[0];
            let started = if let State::Running(since) = run.state { since } else { now };
            let ended = Ended { code, reason, message, started, finished: now };
            (run.state, run.ready) = (State::Ended(ended), false);
            if pod.ready {
                (pod.ready, pod.ready_since) = (false, now);
            }
            if policy == "Never" || (policy == "OnFailure" && code == 0) {
                pod.phase = if code == 0 { "Succeeded" } else { "Failed" };
            }
        });
        if policy == "Never" || (policy == "OnFailure" && code == 0) {
            return;
        }
        self.back_off(id, &name, false, 0);
    }

    /// Starts a container again: at once after its first end, else after 10 s, 20 s, … 300 s.
    fn back_off(&mut self, id: &Id, name: &str, init: bool, at: usize) {
        let Some(pod) = self.pods.get_mut(id) else { return };
        let runs = if init { &mut pod.init } else { &mut pod.containers };
        let (restarts, wait, uid) = (runs[at].restarts, pod.backoff_secs, pod.uid.clone());
        let recent = matches!(&runs[at].last, Some(last) if restarts > 0 && self.now - last.finished < 600 * SECOND)
            || restarts > 1;
        if !recent {
            return self.pod_after(id, 1000, move |cluster, id| cluster.restart(id, init, at));
        }
        pod.backoff_secs = (wait * 2).min(300);
        let who = format!("{}_{}({uid})", id.name, id.namespace);
        let text = match wait {
            300 => "5m0s".to_owned(),
            60.. => format!("{}m{}s", wait / 60, wait % 60),
            _ => format!("{wait}s"),
        };
        let (message, name) =
            (format!("back-off {text} restarting failed container={name} pod={who}"), name.to_owned());
        self.pod_after(id, 1000, move |cluster, id| {
            cluster.with_pod(id, |pod, _| {
                let run = if init { &mut pod.init[at] } else { &mut pod.containers[at] };
                if let State::Ended(ended) = &run.state {
                    run.last = Some(ended.clone());
                }
                run.state = State::Waiting("CrashLoopBackOff", message);
            });
            let message = format!("Back-off restarting failed container {name} in pod {who}");
            for late in (0..wait).step_by(13) {
                let (message, name) = (message.clone(), name.clone());
                cluster.pod_after(id, late * 1000 + 10, move |cluster, id| {
                    let said = warning("BackOff", message);
                    let said = if init { said.of_init(&name) } else { said.of_container(&name) };
                    cluster.kubelet_event(id, said);
                });
            }
        });
        self.pod_after(id, wait * 1000 + 1500, move |cluster, id| cluster.restart(id, init, at));
    }

    fn restart(&mut self, id: &Id, init: bool, at: usize) {
        let Some(pod) = self.pods.get_mut(id) else { return };
        pod.turn += 1;
        let container = if init { pod.template.init[at].0.clone() } else { pod.template.containers[at].clone() };
        let run = if init { &mut pod.init[at] } else { &mut pod.containers[at] };
        if let State::Ended(ended) = &run.state {
            run.last = Some(ended.clone());
        }
        run.restarts += 1;
        run.state = State::Waiting("PodInitializing", String::new());
        let said = normal("Pulled", format!("Container image \"{}\" already present on machine", container.image));
        let said = if init { said.of_init(&container.name) } else { said.of_container(&container.name) };
        self.kubelet_event(id, said);
        match init {
            true => self.run_init(id, at),
            false => self.run_containers(id),
        }
    }

    fn evict_for_disk(&mut self, id: &Id, message: String) {
        let Some(pod) = self.pods.get(id) else { return };
        let name = pod.template.containers[0].name.clone();
        self.kubelet_event(id, warning("Evicted", message.clone()));
        self.kubelet_event(id, normal("Killing", format!("Stopping container {name}")).of_container(&name));
        self.with_pod(id, |pod, now| {
            pod.turn += 1;
            (pod.phase, pod.reason, pod.message) = ("Failed", "Evicted", message.clone());
            pod.disrupted = Some(("TerminationByKubelet", message, now));
            for run in &mut pod.containers {
                run.ready = false;
                run.state = State::Ended(Ended {
                    code: 137,
                    reason: "Error",
                    message: String::new(),
                    started: now,
                    finished: now,
                });
            }
            (pod.ready, pod.ready_since) = (false, now);
        });
    }
}
