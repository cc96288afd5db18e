//! Workloads: what owns pods, and the controllers' turns.

use super::Cluster;
use super::id::Id;
use super::moment::SECOND;
use super::template::Template;

/// A claim that a StatefulSet makes for each pod.
#[derive(Clone, Debug)]
pub(crate) struct ClaimTemplate {
    pub name: String,
    pub class: String,
    pub size_gib: i64,
    pub mode: &'static str,
}

/// A revision of a workload: for Deployments a ReplicaSet.
#[derive(Clone, Debug)]
pub(crate) struct Revision {
    pub hash: String,
    pub uid: String,
    pub created: i64,
    pub desired: i64,
    pub template: Template,
    /// What was last shown of it.
    pub shown: String,
    /// Why its pods are refused.
    pub failure: Option<String>,
    /// Seconds until the next try to create a pod.
    pub retry_secs: i64,
    pub retry_at: i64,
}

/// A workload.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub id: Id,
    pub uid: String,
    pub created: i64,
    pub replicas: i64,
    pub generation: i64,
    pub revisions: Vec<Revision>,
    pub claims: Vec<ClaimTemplate>,
    /// A turn of its controller is planned.
    pub queued: bool,
    pub shown: String,
    /// When it last came nearer to what is asked for, and how far it was.
    pub progressed: i64,
    pub progress: (i64, i64),
    /// The newest revision has been fully available once.
    pub complete: bool,
    /// The progress deadline has passed.
    pub stalled: bool,
    pub unavailable_since: Option<i64>,
    /// The tier label, if any.
    pub labels: Vec<(String, String)>,
    /// Job: how many pods have failed, and whether it is over.
    pub failures: i64,
    pub finished: Option<(&'static str, i64)>,
    pub backoff_limit: i64,
    /// The CronJob of a Job.
    pub parent: Option<(Id, String)>,
}

impl Workload {
    /// The newest revision.
    pub(crate) fn current(&self) -> &Revision {
        &self.revisions[self.revisions.len() - 1]
    }

    /// The newest template.
    pub(crate) fn template(&self) -> &Template {
        &self.current().template
    }

    /// The direct owner of the pods of a revision.
    pub(crate) fn pod_owner(&self, revision: &Revision) -> (Id, String) {
        match self.id.kind.as_str() {
            "Deployment" => {
                let name = format!("{}-{}", self.id.name, revision.hash);
                (Id::new("ReplicaSet", &self.id.namespace, &name), revision.uid.clone())
            }
            _ => (self.id.clone(), self.uid.clone()),
        }
    }
}

impl Cluster {
    /// A new workload; its pods come with the next turn of its controller, or with [`Cluster::settle`].
    pub(crate) fn add_workload(&mut self, id: Id, replicas: i64, template: Template) -> Id {
        let created = if self.recording { self.now } else { self.now - self.random.range(2, 40) * 86_400 * SECOND };
        let uid = self.random.uid();
        let revision = self.revision(template, created);
        let workload = Workload {
            id: id.clone(),
            uid,
            created,
            replicas,
            generation: 1,
            revisions: vec![revision],
            claims: Vec::new(),
            queued: false,
            shown: String::new(),
            progressed: self.now,
            progress: (0, 0),
            complete: !self.recording,
            stalled: false,
            unavailable_since: None,
            labels: vec![("app.kubernetes.io/name".to_owned(), id.name.clone())],
            failures: 0,
            finished: None,
            backoff_limit: 3,
            parent: None,
        };
        self.workloads.insert(id.clone(), workload);
        if self.recording {
            self.show_workload(&id, super::recording::Notice::Added);
            self.touch(&id);
        }
        id
    }

    /// A revision of a template.
    pub(crate) fn revision(&mut self, template: Template, created: i64) -> Revision {
        Revision {
            hash: self.random.suffix(10),
            uid: self.random.uid(),
            created,
            desired: 0,
            template,
            shown: String::new(),
            failure: None,
            retry_secs: 1,
            retry_at: 0,
        }
    }

    /// Somebody applies another template: a new revision is rolled out.
    pub(crate) fn apply(&mut self, id: &Id, change: impl FnOnce(&mut Template)) {
        let Some(mut template) = self.workloads.get(id).map(|workload| workload.template().clone()) else { return };
        change(&mut template);
        let revision = self.revision(template, self.now);
        let now = self.now;
        if let Some(workload) = self.workloads.get_mut(id) {
            workload.revisions.push(revision);
            // The history is kept short, as `revisionHistoryLimit` does.
            let idle = workload.revisions.iter().position(|old| old.desired == 0);
            if let Some(at) = idle.filter(|at| workload.revisions.len() > 4 && at + 1 < workload.revisions.len()) {
                workload.revisions.remove(at);
            }
            workload.generation += 1;
            workload.complete = false;
            workload.stalled = false;
            workload.progressed = now;
            workload.progress = (0, 0);
        }
        self.touch(id);
        if id.kind == "Deployment" {
            let again = id.clone();
            self.after(601, move |cluster| cluster.touch(&again));
        }
    }

    /// The program of the running and future pods behaves differently from now on, without any change of what is asked
    /// for.
    pub(crate) fn befall(&mut self, id: &Id, change: impl Fn(&mut Template)) {
        if let Some(workload) = self.workloads.get_mut(id) {
            for revision in &mut workload.revisions {
                change(&mut revision.template);
            }
        }
        for pod in self.pods.values_mut().filter(|pod| pod.workload == *id) {
            change(&mut pod.template);
        }
    }

    /// Somebody asks for another number of replicas.
    pub(crate) fn scale(&mut self, id: &Id, replicas: i64) {
        if let Some(workload) = self.workloads.get_mut(id) {
            workload.replicas = replicas;
            workload.generation += 1;
        }
        self.touch(id);
    }

    /// Plans a turn of the controller.
    pub(crate) fn touch(&mut self, id: &Id) {
        if self.stopped.contains("controllers") || !self.recording {
            return;
        }
        let Some(workload) = self.workloads.get_mut(id) else { return };
        if !workload.queued {
            workload.queued = true;
            let (id, delay) = (id.clone(), self.random.range(30, 250));
            self.after_ms(delay, move |cluster| cluster.turn(&id));
        }
    }

    /// A turn of the controller.
    fn turn(&mut self, id: &Id) {
        let Some(workload) = self.workloads.get_mut(id) else { return };
        workload.queued = false;
        if self.stopped.contains("controllers") {
            return;
        }
        match id.kind.as_str() {
            "Deployment" => self.turn_deployment(id),
            "StatefulSet" => self.turn_stateful_set(id),
            "DaemonSet" => self.turn_daemon_set(id),
            "Job" => self.turn_job(id),
            _ => {}
        }
        self.show_workload(id, super::recording::Notice::Modified);
    }

    /// A name that no pod has: of five thousand pods two would else be called the same every other time.
    pub(crate) fn free_pod_name(&mut self, namespace: &str, owner: &str) -> String {
        loop {
            let name = format!("{owner}-{}", self.random.suffix(5));
            if !self.pods.contains_key(&Id::new("Pod", namespace, &name)) {
                return name;
            }
        }
    }

    /// Puts all pods of a workload up as if they had run for long; before anybody watches.
    pub(crate) fn settle(&mut self, id: &Id) {
        let Some(workload) = self.workloads.get(id).cloned() else { return };
        let revision = workload.current().clone();
        let owner = workload.pod_owner(&revision);
        let places: Vec<Option<String>> = match id.kind.as_str() {
            "DaemonSet" => self.daemon_nodes(id).into_iter().map(Some).collect(),
            _ => (0..workload.replicas).map(|_| None).collect(),
        };
        for (n, node) in places.into_iter().enumerate() {
            let name = match id.kind.as_str() {
                "StatefulSet" => format!("{}-{n}", id.name),
                _ => self.free_pod_name(&id.namespace, &owner.0.name),
            };
            let pod = self.new_pod(&workload, &revision, &name);
            let key = pod.id.clone();
            self.pods.insert(key.clone(), pod);
            if id.kind == "StatefulSet" {
                self.claim_for(&workload, &name);
            }
            let node = node.or_else(|| self.node_for(&key).ok());
            self.settle_pod(&key, node.as_deref().unwrap_or_default());
        }
        if let Some(workload) = self.workloads.get_mut(id) {
            let replicas = workload.replicas;
            let last = workload.revisions.len() - 1;
            workload.revisions[last].desired = replicas;
            workload.complete = true;
        }
    }
}
