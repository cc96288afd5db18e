//! The stage: incidents of a scope in, triaged incidents out.

use crate::owner::{category, owner, runbook};
use crate::severity::{assess, factor};
use crate::state::{Standing, Tables};
use bellbuoy_core::incident::{Flow, Incident, Stamped, Status};
use bellbuoy_core::rules::RuleSet;
use bellbuoy_core::stage::{Ctx, Stage, Timed};
use bellbuoy_core::time::{Span, Time};
use bellbuoy_core::triage::Triaged;
use std::sync::Arc;

/// From incidents to triaged incidents, one for one.
///
/// A severity rises at once; it falls only when the incident ends, comes back, or has another most probable cause. An
/// incident is assessed when a record of it arrives and not between records: each revision is written once.
#[derive(Debug)]
pub struct Classify {
    initial: Arc<RuleSet>,
}

impl Classify {
    /// The stage, with the rule set for scopes whose log names none yet. From the first rule set in the log on, that
    /// one decides; `initial` must be the same in every run over a log that begins without one.
    pub fn new(initial: Arc<RuleSet>) -> Self {
        Self { initial }
    }
}

impl Stage for Classify {
    const NAME: &'static str = "classify";
    const STATE_FORMAT: u16 = 1;
    const LATENESS: Span = Span::ZERO;
    const FORWARDS: bool = true;
    type In = Stamped<Incident>;
    type Out = Triaged;
    type State = Tables;

    fn on_record(&self, state: &mut Tables, record: Timed<Stamped<Incident>>, ctx: &mut Ctx<'_, Triaged>) {
        match record.record.flow {
            Flow::Item(incident) => {
                let rules = state.rules.get(&()).unwrap_or(&self.initial).clone();
                ctx.emit(triage(state, incident, &rules, record.now));
            }
            Flow::Rules(rules) => state.rules.insert((), rules),
            Flow::Watermark => {}
        }
    }

    fn on_time(&self, state: &mut Tables, now: Time, _: &mut Ctx<'_, Triaged>) {
        state.forget_until(now);
    }
}

fn triage(state: &mut Tables, incident: Incident, rules: &RuleSet, now: Time) -> Triaged {
    let category = category(&incident, rules);
    let (assessed, mut factors) = assess(&incident, &category, rules, now);
    let is_over = matches!(incident.status, Status::Resolved | Status::Merged);
    let cause = incident.causes.first().map(|cause| (cause.entity.clone(), cause.signal.clone()));
    let held = state
        .standings
        .get(&incident.id)
        .filter(|before| !is_over && before.forget_at.is_none() && before.cause == cause && before.severity < assessed);
    let severity = held.map_or(assessed, |before| before.severity);
    if severity != assessed {
        let text = format!("it is held at {severity} until the incident ends or its cause changes");
        factors.push(factor("held", assessed as i32 - severity as i32, text));
    }
    let forget_at = is_over.then(|| now + rules.limits.reopen_within);
    state.put(incident.id, Standing { severity, cause, forget_at });
    // As many as `correlate` can know of: an incident has at least one episode as long as it is open.
    let max = rules.limits.episodes_max.saturating_add(rules.limits.ended_incidents_max);
    state.bound(usize::try_from(max).unwrap_or(usize::MAX));
    let (owner, why) = owner(&incident, &category, rules);
    factors.push(why);
    let runbook = runbook(&incident, rules);
    Triaged { severity, category, owner, runbook, factors, incident }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellbuoy_core::incident::{Cause, IncidentId};
    use bellbuoy_core::object::{Entity, Scope};
    use bellbuoy_core::rules::{Limits, OwnerRule, SignalRule};
    use bellbuoy_core::severity::Severity;
    use bellbuoy_core::stage::Effect;
    use bellbuoy_core::task::Task;

    fn rules(owner: &str) -> Arc<RuleSet> {
        let signal = |code: &str, area: &str| SignalRule {
            code: code.into(),
            area: area.into(),
            runbook: "https://wiki/x".into(),
            ..SignalRule::default()
        };
        let limits = Limits {
            reopen_within: Span::from_secs(100),
            episodes_max: 2,
            ended_incidents_max: 1,
            ..Limits::default()
        };
        Arc::new(RuleSet {
            catalogue: vec![signal("NodeNotReady", "compute"), signal("OOMKilled", "application diagnostics")],
            owners: vec![OwnerRule {
                name: "c".into(),
                area: "compute".into(),
                owner: owner.into(),
                ..Default::default()
            }],
            default_owner: "sre".into(),
            limits,
            ..RuleSet::default()
        })
    }

    fn scope() -> Scope {
        Scope::cluster("c1")
    }

    fn incident(id: u64, weight: Severity, signal: &str, status: Status) -> Flow<Incident> {
        let cause =
            Cause { entity: Entity::new("Deployment", "shop", "cart"), signal: signal.into(), ..Cause::default() };
        Flow::Item(Incident { id: IncidentId(id), weight, status, causes: vec![cause], ..Incident::default() })
    }

    fn feed(task: &mut Task<Classify>, at: i64, flow: Flow<Incident>) {
        let offset = task.read_to();
        task.feed(offset, Stamped { scope: scope(), at: Time::from_secs(at), flow });
    }

    /// Feeds (second, flow) and checks what comes out, one line each: second, severity, owner, last rule but the owner's.
    #[track_caller]
    fn check(input: Vec<(i64, Flow<Incident>)>, expect: &[&str]) -> Task<Classify> {
        let mut task = Task::new(Classify::new(rules("infra")));
        input.into_iter().for_each(|(at, flow)| feed(&mut task, at, flow));
        let show = |effect: &Effect<Triaged>| match effect {
            Effect::Emit(Stamped { at, flow: Flow::Item(t), .. }) => {
                let rule = t.factors.iter().rev().find(|factor| &*factor.rule != "owner").map(|factor| &*factor.rule);
                format!("{} {} {} {} {}", at.0 / 1_000_000, t.severity, t.category, t.owner, rule.unwrap_or_default())
            }
            Effect::Emit(Stamped { flow: Flow::Rules(_), .. }) => "rules".to_owned(),
            Effect::Emit(Stamped { at, flow: Flow::Watermark, .. }) => format!("{} watermark", at.0 / 1_000_000),
            Effect::Reject(rejected) => format!("rejected {}", rejected.reason),
        };
        assert_eq!(task.pending().iter().map(show).collect::<Vec<_>>(), expect);
        task
    }

    use Severity::{P2, P3, P4, P5};
    use Status::{Merged, Open, Resolved};

    #[test]
    fn a_severity_rises_at_once_and_is_held() {
        let open = |weight| incident(1, weight, "OOMKilled", Open);
        check(
            vec![(1, open(P4)), (2, open(P2)), (3, open(P3)), (4, open(P5))],
            &[
                "1 P4 application diagnostics sre weight",
                "2 P2 application diagnostics sre weight",
                "3 P2 application diagnostics sre held",
                "4 P2 application diagnostics sre held",
            ],
        );
    }

    #[test]
    fn it_falls_when_the_cause_changes() {
        check(
            vec![(1, incident(1, P2, "OOMKilled", Open)), (2, incident(1, P3, "NodeNotReady", Open))],
            &["1 P2 application diagnostics sre weight", "2 P3 compute infra weight"],
        );
    }

    #[test]
    fn it_falls_when_the_incident_ends_and_starts_anew_when_it_comes_back() {
        check(
            vec![
                (1, incident(1, P2, "NodeNotReady", Open)),
                (2, incident(1, P3, "NodeNotReady", Resolved)),
                (3, incident(1, P4, "NodeNotReady", Open)),
                (4, incident(1, P5, "NodeNotReady", Open)),
            ],
            &[
                "1 P2 compute infra weight",
                "2 P3 compute infra weight",
                "3 P4 compute infra weight",
                "4 P4 compute infra held",
            ],
        );
    }

    #[test]
    fn rules_of_the_log_replace_the_initial_ones_from_there_on() {
        check(
            vec![
                (1, incident(1, P3, "NodeNotReady", Open)),
                (2, Flow::Rules(rules("platform"))),
                (3, Flow::Watermark),
                (4, incident(1, P3, "NodeNotReady", Open)),
            ],
            &["1 P3 compute infra weight", "rules", "3 watermark", "4 P3 compute platform weight"],
        );
    }

    #[test]
    fn what_has_ended_is_forgotten_when_it_can_no_longer_come_back() {
        let ended = |flow| vec![(1, incident(1, P3, "NodeNotReady", Open)), (2, flow), (101, Flow::Watermark)];
        let lines = ["1 P3 compute infra weight", "2 P3 compute infra weight", "101 watermark"];
        for status in [Resolved, Merged] {
            let mut task = check(ended(incident(1, P3, "NodeNotReady", status)), &lines);
            assert_eq!(task.state_mut(&scope()).unwrap().incidents(), 1);
            feed(&mut task, 102, Flow::Watermark);
            assert_eq!(task.state_mut(&scope()).unwrap().incidents(), 0);
        }
        // What has come back in time stays.
        let mut task = check(ended(incident(1, P3, "NodeNotReady", Open)), &lines);
        feed(&mut task, 500, Flow::Watermark);
        assert_eq!(task.state_mut(&scope()).unwrap().incidents(), 1);
    }

    #[test]
    fn at_the_limit_what_ended_first_is_forgotten() {
        let mut task = Task::new(Classify::new(rules("infra")));
        feed(&mut task, 1, incident(9, P3, "NodeNotReady", Resolved));
        feed(&mut task, 2, incident(8, P3, "NodeNotReady", Resolved));
        for id in 1..=50 {
            feed(&mut task, 3, incident(id, P3, "NodeNotReady", Open));
        }
        let state = task.state_mut(&scope()).unwrap();
        let ids: Vec<_> = state.standings.iter().map(|(id, _)| id.0).collect();
        assert_eq!((ids, state.ended.len()), (vec![48, 49, 50], 0));
    }

    #[test]
    fn state_survives_a_restore_and_an_abort() {
        let mut task = Task::new(Classify::new(rules("infra")));
        feed(&mut task, 1, Flow::Rules(rules("platform")));
        feed(&mut task, 2, incident(1, P2, "NodeNotReady", Open));
        feed(&mut task, 3, incident(2, P2, "NodeNotReady", Resolved));
        let commit = task.commit();
        let before = task.dump();
        feed(&mut task, 4, incident(1, P5, "OOMKilled", Resolved));
        feed(&mut task, 500, Flow::Watermark);
        task.abort();
        assert_eq!(task.dump(), before);
        let mut heir = Task::new(Classify::new(rules("infra")));
        commit.changelog.iter().for_each(|row| heir.restore(row).unwrap());
        heir.restored();
        assert_eq!(heir.dump(), before);
        for task in [&mut task, &mut heir] {
            feed(task, 5, incident(1, P4, "NodeNotReady", Open));
            let [Effect::Emit(Stamped { flow: Flow::Item(triaged), .. })] = task.pending() else { panic!() };
            assert_eq!((triaged.severity, &*triaged.owner), (P2, "platform"));
        }
    }
}
