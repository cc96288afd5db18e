//! What the policy does, told as records in and pages out.

use crate::{Escalate, Tables};
use bellbuoy_core::incident::{Cause, Change, Flow, Incident, IncidentId, Stamped, Status};
use bellbuoy_core::object::{Entity, Scope};
use bellbuoy_core::page::Page;
use bellbuoy_core::rules::{Limits, Policy, RuleSet, Tier};
use bellbuoy_core::severity::Severity;
use bellbuoy_core::stage::Effect;
use bellbuoy_core::task::Task;
use bellbuoy_core::time::{Span, Time};
use bellbuoy_core::triage::Triaged;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Settles in 30 s, pages from P3 on; the owner has 5 minutes, tier 2 is empty, sre has 10 minutes, the boss is called.
fn rules(page_from: Severity) -> Arc<RuleSet> {
    let tier = |receiver: &str, channel: &str, secs| Tier {
        receiver: receiver.into(),
        channel: channel.into(),
        ack_timeout: Span::from_secs(secs),
    };
    let tiers =
        vec![tier("owner", "pager", 300), tier("", "pager", 300), tier("sre", "pager", 600), tier("boss", "phone", 60)];
    let policy = Policy { name: "default".into(), page_from, settle: Span::from_secs(30), tiers };
    let limits =
        Limits { reopen_within: Span::from_secs(1_000), episodes_max: 2, ended_incidents_max: 1, ..Limits::default() };
    Arc::new(RuleSet { policy, limits, ..RuleSet::default() })
}

fn scope() -> Scope {
    Scope::cluster("c1")
}

/// A record of incident 1 about a deployment, owned by `devs`, opened at second 0.
fn record(severity: Severity, status: Status) -> Triaged {
    let cause =
        Cause { entity: Entity::new("Deployment", "shop", "cart"), signal: "OOMKilled".into(), ..Cause::default() };
    let incident = Incident { id: IncidentId(1), status, causes: vec![cause], ..Incident::default() };
    Triaged { incident, severity, owner: "devs".into(), ..Triaged::default() }
}

fn open(severity: Severity) -> Flow<Triaged> {
    Flow::Item(record(severity, Status::Open))
}

fn acknowledged(severity: Severity) -> Flow<Triaged> {
    Flow::Item(record(severity, Status::Acknowledged))
}

fn resolved() -> Flow<Triaged> {
    Flow::Item(record(Severity::P3, Status::Resolved))
}

fn merged() -> Flow<Triaged> {
    let mut record = record(Severity::P3, Status::Merged);
    record.incident.merged_into = Some(IncidentId(7));
    Flow::Item(record)
}

fn task() -> Task<Escalate> {
    Task::new(Escalate::new(rules(Severity::P3)))
}

fn feed(task: &mut Task<Escalate>, at: i64, flow: Flow<Triaged>) {
    let offset = task.read_to();
    task.feed(offset, Stamped { scope: scope(), at: Time::from_secs(at), flow });
}

fn pages(task: &Task<Escalate>) -> Vec<Page> {
    let page = |effect: &Effect<Page>| match effect {
        Effect::Emit(Stamped { at, flow: Flow::Item(page), .. }) => {
            assert_eq!(*at, page.at);
            Some(page.clone())
        }
        _ => None,
    };
    task.pending().iter().filter_map(page).collect()
}

/// Feeds (second, flow) and checks the pages, one line each: second, kind, tier:receiver@channel, epoch, rule.
#[track_caller]
fn check(input: Vec<(i64, Flow<Triaged>)>, expect: &[&str]) -> Vec<Page> {
    let mut task = task();
    input.into_iter().for_each(|(at, flow)| feed(&mut task, at, flow));
    let pages = pages(&task);
    let show = |page: &Page| {
        let Page { key, at, kind, channel, tier, rule, .. } = page;
        format!("{} {kind:?} {tier}:{}@{channel} #{} {rule}", at.0 / 1_000_000, key.receiver, key.epoch)
    };
    assert_eq!(pages.iter().map(show).collect::<Vec<_>>(), expect);
    assert_eq!(pages.iter().map(|page| &page.key).collect::<BTreeSet<_>>().len(), pages.len(), "no key twice");
    pages
}

use Flow::Watermark;
use Severity::{P1, P2, P3, P4, P5};

const FIRST: &str = "30 Trigger 1:devs@pager #1 default/first-page";

#[test]
fn the_first_page_waits_for_the_incident_to_settle() {
    check(vec![(0, open(P3)), (29, Watermark)], &[]);
    let pages = check(vec![(0, open(P3)), (30, Watermark)], &[FIRST]);
    assert_eq!(&*pages[0].summary, "[P3] Deployment shop/cart reports OOMKilled");
    assert_eq!(&*pages[0].reason, "P3 is paged, and nobody acknowledged it in the 30s since it opened");
    assert_eq!(pages[0].severity, P3);
}

#[test]
fn the_page_is_decided_at_its_deadline_however_late_the_next_record_comes() {
    check(vec![(0, open(P3)), (200, open(P3))], &[FIRST]);
}

#[test]
fn what_ends_is_taken_or_is_part_of_another_one_before_that_pages_nobody() {
    for end in [resolved(), merged(), acknowledged(P3)] {
        check(vec![(0, open(P3)), (10, end), (5_000, Watermark)], &[]);
    }
}

#[test]
fn mild_incidents_page_nobody() {
    check(vec![(0, open(P4)), (900, open(P5)), (5_000, resolved())], &[]);
}

#[test]
fn a_mild_incident_that_becomes_bad_has_settled_already() {
    let late = "100 Trigger 1:devs@pager #1 default/first-page";
    check(vec![(0, open(P4)), (100, open(P3)), (101, Watermark)], &[late]);
    check(vec![(0, open(P4)), (10, open(P3)), (29, open(P4)), (200, Watermark)], &[]);
    check(vec![(0, open(P4)), (10, open(P3)), (30, Watermark)], &[FIRST]);
}

#[test]
fn tier_after_tier_is_told_and_empty_ones_are_passed_by_at_once() {
    let pages = check(
        vec![(0, open(P3)), (90_000, Watermark)],
        &[FIRST, "330 Escalate 3:sre@pager #2 default/ack-timeout", "930 Escalate 4:boss@phone #3 default/ack-timeout"],
    );
    let reason = "nobody has acknowledged it in time; told so far: devs (tier 2 has nobody)";
    assert_eq!(&*pages[1].reason, reason);
    assert_eq!(&*pages[2].reason, "nobody has acknowledged it in time; told so far: devs, sre");
}

#[test]
fn without_an_owner_the_owners_tier_is_passed_by() {
    let mut record = record(P3, Status::Open);
    record.owner = "".into();
    let pages =
        check(vec![(0, Flow::Item(record)), (30, Watermark)], &["30 Trigger 3:sre@pager #1 default/first-page"]);
    assert!(pages[0].reason.ends_with("(tier 1 has nobody; tier 2 has nobody)"), "{}", pages[0].reason);
}

#[test]
fn an_owner_who_is_a_later_tier_too_is_told_once() {
    let mut record = record(P3, Status::Open);
    record.owner = "sre".into();
    check(
        vec![(0, Flow::Item(record)), (90_000, Watermark)],
        &["30 Trigger 1:sre@pager #1 default/first-page", "330 Escalate 4:boss@phone #2 default/ack-timeout"],
    );
}

#[test]
fn a_receiver_told_through_two_channels_hears_the_end_once() {
    let mut first = record(P3, Status::Open);
    first.owner = "boss".into();
    check(
        vec![(0, Flow::Item(first)), (1_000, resolved())],
        &[
            "30 Trigger 1:boss@pager #1 default/first-page",
            "330 Escalate 3:sre@pager #2 default/ack-timeout",
            "930 Escalate 4:boss@phone #3 default/ack-timeout",
            "1000 Resolve 4:boss@phone #4 default/resolved",
            "1000 Resolve 3:sre@pager #4 default/resolved",
        ],
    );
}

#[test]
fn an_acknowledgement_stops_the_escalation() {
    check(vec![(0, open(P3)), (329, acknowledged(P3)), (90_000, Watermark)], &[FIRST]);
}

#[test]
fn who_was_told_hears_when_it_becomes_worse_and_only_then() {
    let worse = "100 Worse 1:devs@pager #2 default/severity-rise";
    let pages =
        check(vec![(0, open(P3)), (100, open(P2)), (101, open(P2)), (102, open(P3)), (103, open(P2))], &[FIRST, worse]);
    assert_eq!(&*pages[1].reason, "the severity rose from P3 to P2");
    assert!(pages[1].summary.starts_with("[P2]"));
    check(vec![(0, open(P3)), (50, acknowledged(P3)), (100, acknowledged(P1)), (9_000, Watermark)], &[FIRST, worse]);
    check(
        vec![(0, open(P3)), (400, open(P2))],
        &[
            FIRST,
            "330 Escalate 3:sre@pager #2 default/ack-timeout",
            "400 Worse 1:devs@pager #3 default/severity-rise",
            "400 Worse 3:sre@pager #3 default/severity-rise",
        ],
    );
}

#[test]
fn who_was_told_hears_of_the_end_and_nobody_else() {
    let pages = check(
        vec![(0, open(P3)), (100, resolved()), (101, resolved()), (9_000, Watermark)],
        &[FIRST, "100 Resolve 1:devs@pager #2 default/resolved"],
    );
    assert_eq!(&*pages[1].summary, "[P3] Deployment shop/cart reports OOMKilled; over after 1m40s");
    let pages = check(
        vec![(0, open(P3)), (50, acknowledged(P3)), (100, merged()), (9_000, Watermark)],
        &[FIRST, "100 Resolve 1:devs@pager #2 default/merged"],
    );
    assert_eq!(&*pages[1].reason, "part of inc-0000000000000007");
}

#[test]
fn what_comes_back_is_paged_anew_after_it_has_settled() {
    let over = "100 Resolve 1:devs@pager #2 default/resolved";
    let back = "230 Trigger 1:devs@pager #3 default/came-back";
    let pages = check(vec![(0, open(P3)), (100, resolved()), (200, open(P3)), (529, Watermark)], &[FIRST, over, back]);
    let reason = "it came back after 1m40s; P3 is paged, and nobody acknowledged it in the 30s since then";
    assert_eq!(&*pages[2].reason, reason);
    // What was never told of is told of for the first time.
    check(
        vec![(0, open(P3)), (10, resolved()), (20, open(P3)), (49, Watermark), (50, Watermark)],
        &["50 Trigger 1:devs@pager #1 default/first-page"],
    );
    // Flapping within the time to settle says nothing.
    check(
        vec![(0, open(P3)), (100, resolved()), (200, open(P3)), (210, resolved()), (220, open(P3)), (240, resolved())],
        &[FIRST, over],
    );
}

#[test]
fn a_return_that_swallowed_its_end_resumes_the_escalation() {
    check(
        vec![(0, open(P3)), (50, acknowledged(P3)), (100, open(P3)), (200, acknowledged(P3)), (9_000, Watermark)],
        &[FIRST, "130 Escalate 3:sre@pager #2 default/ack-timeout"],
    );
    check(
        vec![(0, acknowledged(P3)), (100, open(P3)), (130, Watermark)],
        &["130 Trigger 1:devs@pager #1 default/first-page"],
    );
}

#[test]
fn a_return_that_is_the_first_record_settles_from_then() {
    let mut record = record(P3, Status::Open);
    record.incident.changes = vec![Change::Reopened];
    check(vec![(100, Flow::Item(record)), (129, Watermark)], &[]);
}

#[test]
fn rules_of_the_log_replace_the_initial_ones_from_there_on() {
    check(vec![(0, open(P3)), (10, Flow::Rules(rules(P2))), (100, Watermark)], &[]);
    check(vec![(0, Flow::Rules(rules(P4))), (0, open(P4)), (30, Watermark)], &[FIRST]);
}

fn state(task: &mut Task<Escalate>) -> &mut Tables {
    task.state_mut(&scope()).unwrap()
}

#[test]
fn what_has_ended_is_forgotten_when_it_can_no_longer_come_back() {
    let mut task = task();
    feed(&mut task, 0, open(P3));
    feed(&mut task, 100, resolved());
    feed(&mut task, 1_099, Watermark);
    assert_eq!(state(&mut task).incidents(), 1);
    feed(&mut task, 1_100, Watermark);
    let state = state(&mut task);
    assert_eq!((state.incidents(), state.timers.len(), state.ended.len()), (0, 0, 0));
}

#[test]
fn at_the_limit_ended_ones_are_forgotten_and_further_open_ones_are_rejected() {
    let numbered = |id: u64, status| {
        let mut record = record(P3, status);
        record.incident.id = IncidentId(id);
        Flow::Item(record)
    };
    let mut task = task();
    for id in 1..=3 {
        feed(&mut task, 0, numbered(id, Status::Open));
    }
    feed(&mut task, 1, numbered(2, Status::Resolved));
    feed(&mut task, 2, numbered(4, Status::Open));
    assert!(task.pending().is_empty());
    feed(&mut task, 3, numbered(5, Status::Open));
    let [Effect::Reject(rejected)] = task.pending() else { panic!("{:?}", task.pending()) };
    assert_eq!(&*rejected.reason, "inc-0000000000000005 pages nobody: 3 incidents are open, and that is the limit");
    assert_eq!(state(&mut task).incidents(), 3);
    feed(&mut task, 40, Watermark);
    assert_eq!(pages(&task).iter().map(|page| page.key.incident.0).collect::<Vec<_>>(), [1, 3, 4]);
}

#[test]
fn interrupted_at_every_record_it_decides_the_same() {
    let input = || {
        vec![
            (0, open(P3)),
            (100, open(P2)),
            (200, acknowledged(P2)),
            (210, Flow::Rules(rules(P2))),
            (300, resolved()),
            (400, open(P2)),
            (500, Watermark),
            (2_000, merged()),
            (4_000, Watermark),
        ]
    };
    let mut whole = task();
    input().into_iter().for_each(|(at, flow)| feed(&mut whole, at, flow));
    let expect = pages(&whole);
    assert!(expect.len() > 6, "{expect:?}");
    for stop in 0..input().len() {
        let mut found = Vec::new();
        let mut rows = Vec::new();
        let mut first = task();
        for (at, flow) in input().into_iter().take(stop) {
            feed(&mut first, at, flow);
        }
        found.extend(pages(&first));
        rows.extend(first.commit().changelog);
        // What was applied and not committed is undone.
        for (at, flow) in input().into_iter().skip(stop) {
            feed(&mut first, at, flow);
        }
        first.abort();
        let mut heir = task();
        rows.iter().for_each(|row| heir.restore(row).unwrap());
        heir.restored();
        assert_eq!(heir.dump(), first.dump());
        for (at, flow) in input().into_iter().skip(stop) {
            feed(&mut heir, at, flow);
        }
        found.extend(pages(&heir));
        assert_eq!(found, expect, "interrupted before record {stop}");
    }
}
