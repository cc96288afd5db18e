//! What goes on in every healthy cluster, and is no failure.

mod churn;
mod hiccups;

use crate::stage::Stage;

/// A deed of noise.
pub(crate) type Noise = fn(&mut crate::cluster::Cluster, &crate::cluster::apps::Apps);

/// Noise that does not move the pods of others.
pub(crate) const AROUND_FAILURES: &[Noise] = &[
    churn::rollout,
    churn::rollout,
    churn::daemon_set_rollout,
    churn::new_workload_before_its_account,
    churn::scale_out_and_in,
    churn::one_off_job,
    hiccups::crash_once,
    hiccups::probe_blip,
    hiccups::controllers_elect,
    hiccups::short_of_memory,
    hiccups::config_comes_late,
    hiccups::claim_waits,
    hiccups::job_retries,
    hiccups::information_alert,
];

/// All noise.
pub(crate) const EVERYTHING: &[Noise] = &[
    churn::rollout,
    churn::rollout,
    churn::rollout,
    churn::daemon_set_rollout,
    churn::new_workload_before_its_account,
    churn::scale_out_and_in,
    churn::one_off_job,
    churn::drain,
    churn::grow_by_a_node,
    churn::park,
    hiccups::crash_once,
    hiccups::probe_blip,
    hiccups::controllers_elect,
    hiccups::short_of_memory,
    hiccups::config_comes_late,
    hiccups::claim_waits,
    hiccups::job_retries,
    hiccups::information_alert,
];

/// Plans about one deed in four minutes.
pub(crate) fn plan(stage: &mut Stage, minutes: i64, deeds: &'static [Noise]) {
    let count = (minutes / 4).max(2);
    for _ in 0..count {
        let (at, deed) = (stage.cluster.random.range(20, minutes * 60), *stage.cluster.random.pick(deeds));
        let apps = stage.apps.clone();
        stage.cluster.after(at, move |cluster| deed(cluster, &apps));
    }
}
