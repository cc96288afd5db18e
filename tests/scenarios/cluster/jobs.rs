//! Jobs and CronJobs.

use super::Cluster;
use super::event::{Emitter, normal, warning};
use super::id::Id;
use super::moment::{SECOND, stamp};
use super::template::Template;
use super::workload::Workload;
use serde_json::json;

/// Finished Jobs that a CronJob keeps of each kind.
const HISTORY: usize = 3;

impl Cluster {
    /// A CronJob that runs every so many minutes.
    pub(crate) fn add_cron_job(&mut self, id: &Id, minutes: i64, template: Template) {
        self.crons.insert(id.clone(), (minutes, template));
        self.show_cron_job(id, None, None);
    }

    fn show_cron_job(&mut self, id: &Id, scheduled: Option<i64>, succeeded: Option<i64>) {
        let Some((minutes, template)) = self.crons.get(id).cloned() else { return };
        let known = self.others.get(id).map(|known| known["status"].clone());
        let mut status = known.unwrap_or_else(|| json!({}));
        if let Some(at) = scheduled {
            status["lastScheduleTime"] = json!(stamp(at));
        }
        if let Some(at) = succeeded {
            status["lastSuccessfulTime"] = json!(stamp(at));
        }
        self.put(
            id,
            json!({"metadata": {"labels": {"app.kubernetes.io/name": id.name}},
            "spec": {"schedule": format!("*/{minutes} * * * *"), "concurrencyPolicy": "Forbid", "suspend": false,
                "successfulJobsHistoryLimit": HISTORY, "failedJobsHistoryLimit": 1,
                "jobTemplate": {"spec": {"backoffLimit": 3, "template": {"metadata": {"labels": template.labels_json()},
                    "spec": template.spec()}}}},
            "status": status}),
        );
    }

    /// The CronJob controller's rounds.
    pub(crate) fn start_cron_jobs(&mut self) {
        for (id, (minutes, _)) in self.crons.clone() {
            let period = minutes * 60 * SECOND;
            let first = (self.now / period + 1) * period;
            let wait = (first - self.now) / 1000;
            self.after_ms(wait, move |cluster| cluster.run_cron_job(&id));
        }
    }

    fn run_cron_job(&mut self, id: &Id) {
        let Some((minutes, template)) = self.crons.get(id).cloned() else { return };
        let again = id.clone();
        self.after(minutes * 60, move |cluster| cluster.run_cron_job(&again));
        if self.stopped.contains("controllers") {
            return;
        }
        let uid = self.uid_of(id);
        let emitter = Emitter::controller("cronjob-controller");
        let runs = |workload: &&Workload| workload.parent.as_ref().is_some_and(|(parent, _)| parent == id);
        if self.workloads.values().filter(runs).any(|job| job.finished.is_none()) {
            let message = "Not starting job because prior execution is running and concurrency policy is Forbid";
            return self.event(&emitter, id, &uid, normal("JobAlreadyActive", message));
        }
        let name = format!("{}-{}", id.name, self.now / (60 * SECOND));
        self.start_job(&Id::new("Job", &id.namespace, &name), template, Some((id.clone(), uid.clone())));
        self.event(&emitter, id, &uid, normal("SuccessfulCreate", format!("Created job {name}")));
        self.show_cron_job(id, Some(self.now), None);
        let mut finished: Vec<(i64, Id)> = self
            .workloads
            .values()
            .filter(runs)
            .filter(|job| job.finished.is_some())
            .map(|job| (job.created, job.id.clone()))
            .collect();
        finished.sort();
        let surplus = finished.len().saturating_sub(HISTORY);
        for (_, job) in finished.into_iter().take(surplus) {
            self.remove_job(&job);
            self.event(&emitter, id, &uid, normal("SuccessfulDelete", format!("Deleted job {}", job.name)));
        }
    }

    /// A Job of its own or of a CronJob.
    pub(crate) fn start_job(&mut self, id: &Id, mut template: Template, parent: Option<(Id, String)>) {
        template.restart_policy = "Never";
        template.labels.push(("batch.kubernetes.io/job-name".to_owned(), id.name.clone()));
        self.add_workload(id.clone(), 1, template);
        if let Some(job) = self.workloads.get_mut(id) {
            job.parent = parent;
        }
    }

    fn remove_job(&mut self, id: &Id) {
        for pod in self.pods_of(id) {
            self.remove_pod(&pod);
        }
        let Some(job) = self.workloads.remove(id) else { return };
        let json = serde_json::from_str(&job.shown).unwrap_or_default();
        self.show_json(json, super::recording::Notice::Deleted);
    }

    /// Makes the next pod, or calls it done or failed.
    pub(crate) fn turn_job(&mut self, id: &Id) {
        let Some(job) = self.workloads.get(id).cloned() else { return };
        if job.finished.is_some() {
            return;
        }
        let of = || self.pods_in(&id.namespace).filter(|pod| pod.workload == *id);
        let (active, done) = (of().any(|pod| pod.is_active()), of().any(|pod| pod.phase == "Succeeded"));
        let failures = of().filter(|pod| pod.phase == "Failed").count() as i64;
        let emitter = Emitter::controller("job-controller");
        let now = self.now;
        if let Some(job) = self.workloads.get_mut(id) {
            job.failures = failures;
            job.finished = match (done, failures > job.backoff_limit) {
                (true, _) => Some(("Complete", now)),
                (_, true) => Some(("BackoffLimitExceeded", now)),
                _ => None,
            };
        }
        match (done, failures > job.backoff_limit) {
            (true, _) => self.event(&emitter, id, &job.uid, normal("Completed", "Job completed")),
            (_, true) => {
                let said = warning("BackoffLimitExceeded", "Job has reached the specified backoff limit");
                self.event(&emitter, id, &job.uid, said);
            }
            _ if active => return,
            _ => {
                let wait = if failures == 0 { 0 } else { 10 << failures.min(5) };
                if now < job.progressed + wait * SECOND {
                    let again = id.clone();
                    return self.after(wait, move |cluster| cluster.touch(&again));
                }
                if let Some(job) = self.workloads.get_mut(id) {
                    job.progressed = now;
                }
                let revision = job.current().clone();
                let name = self.free_pod_name(&id.namespace, &id.name);
                if let Err(why) = self.admit(&id.namespace, &name, &id.name, &revision.template) {
                    self.event(&emitter, id, &job.uid, warning("FailedCreate", format!("Error creating: {why}")));
                    let again = id.clone();
                    return self.after(30, move |cluster| cluster.touch(&again));
                }
                self.create_pod(&job, &revision, &name);
                return;
            }
        }
        let Some((parent, uid)) = job.parent else { return };
        let condition = if done { "Complete" } else { "Failed" };
        let message = format!("Saw completed job: {}, condition: {condition}", id.name);
        self.event(&Emitter::controller("cronjob-controller"), &parent, &uid, normal("SawCompletedJob", message));
        if done {
            self.show_cron_job(&parent, None, Some(now));
        }
    }
}
