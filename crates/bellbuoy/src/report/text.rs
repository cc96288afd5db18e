//! The report for a person at 3 a.m.: the worst first, and of each what is wrong, why, whose it is and who was told.

use super::Report;
use super::{look, wording};
use crate::account::Entry;
use crate::moment;
use crate::style::{Paint, Style, one_line};
use bellbuoy_core::headline::tellers;
use bellbuoy_core::incident::{Cause, Incident, Member, TimelineEntry};
use bellbuoy_core::page::Page;
use bellbuoy_core::rules::RuleSet;
use bellbuoy_core::severity::Severity;
use bellbuoy_core::time::Time;
use bellbuoy_core::triage::Factor;
use std::io::{self, Write};

/// Entities named; all are counted.
const ENTITIES_SHOWN: usize = 6;
/// Kinds of symptoms told; all are counted.
const SYMPTOMS_SHOWN: usize = 5;
/// Timeline entries shown at each end.
const TIMELINE_SHOWN: usize = 4;
/// Pages shown at each end.
const PAGES_SHOWN: usize = 3;

/// Writes the report.
///
/// # Errors
/// When the stream cannot be written.
pub(crate) fn write(out: &mut impl Write, report: &Report<'_>, style: Style) -> io::Result<()> {
    let several = report.observed.scopes.len() > 1;
    for entry in report.entries() {
        incident(out, report, entry, several, style)?;
        writeln!(out)?;
    }
    summary(out, report, style)
}

fn incident(out: &mut impl Write, report: &Report<'_>, entry: &Entry, several: bool, style: Style) -> io::Result<()> {
    let triaged = &entry.triaged;
    let incident = &triaged.incident;
    let look = if entry.is_open() { Paint::Strong } else { Paint::Good };
    let headline = wording::headline(incident, report.rules);
    let status = wording::status(incident).to_uppercase();
    writeln!(
        out,
        "{} {}  {}",
        style.severity(triaged.severity),
        style.paint(look, status),
        style.paint(Paint::Strong, headline)
    )?;
    let when = wording::when(entry, report.observed.last(&entry.scope));
    let place =
        if several { format!(", in cluster {}", one_line(&entry.scope.to_string(), 100)) } else { String::new() };
    let owner = if triaged.owner.is_empty() { "nobody yet" } else { &triaged.owner };
    let code = incident.causes.first().map_or(String::new(), |cause| format!("{}, ", one_line(&cause.signal, 80)));
    writeln!(out, "   {}  {code}owner {}, {when}{place}", style.paint(Paint::Faint, incident.id), one_line(owner, 80))?;
    let mut facts = Facts { out, style };
    if let Some(text) = evidence(incident) {
        facts.line("evidence", &text)?;
    }
    // A note wakes nobody: that it is there, and where to look, is all.
    if triaged.severity == Severity::P5 && entry.pages.is_empty() {
        return to_do(out, entry, report.rules, style);
    }
    if let Some(text) = because(incident) {
        facts.line("because", &text)?;
    }
    for other in others(incident) {
        let why = wording::sentence(incident, &other.entity, &other.signal, report.rules);
        facts.line("or", &format!("{why}, which nothing here explains either"))?;
    }
    if let Some(text) = affected(incident) {
        facts.line("affected", &text)?;
    }
    for (at, text) in symptoms(incident, report.rules).iter().enumerate() {
        facts.line(if at == 0 { "symptoms" } else { "" }, text)?;
    }
    facts.line("severity", &severity(&triaged.factors))?;
    for (at, page) in ends(&entry.pages, PAGES_SHOWN).into_iter().enumerate() {
        facts.line(if at == 0 { "told" } else { "" }, &shown(page, |page| page_line(page, incident.began_at)))?;
    }
    if entry.pages.is_empty() {
        facts.line("told", "nobody")?;
    }
    let news = news(incident);
    for (at, moment) in ends(&news, TIMELINE_SHOWN).into_iter().enumerate() {
        facts.line(
            if at == 0 { "timeline" } else { "" },
            &shown(moment, |moment| timeline_line(moment, incident.began_at)),
        )?;
    }
    to_do(out, entry, report.rules, style)
}

/// What was seen, where to look first, and what to read.
///
/// # Errors
/// When the stream cannot be written.
pub(crate) fn essence(out: &mut impl Write, entry: &Entry, rules: &RuleSet, style: Style) -> io::Result<()> {
    if let Some(text) = evidence(&entry.triaged.incident) {
        Facts { out, style }.line("evidence", &text)?;
    }
    to_do(out, entry, rules, style)
}

/// Where to look first, and what to read; nothing of what is over.
fn to_do(out: &mut impl Write, entry: &Entry, rules: &RuleSet, style: Style) -> io::Result<()> {
    if !entry.is_open() {
        return Ok(());
    }
    let mut facts = Facts { out, style };
    if let Some(command) = look::first_command(&entry.triaged.incident, rules) {
        facts.line("look", &command)?;
    }
    if !entry.triaged.runbook.is_empty() {
        facts.line("runbook", &one_line(&entry.triaged.runbook, 300))?;
    }
    Ok(())
}

/// Lines of a name and a text.
struct Facts<'a, W> {
    out: &'a mut W,
    style: Style,
}

impl<W: Write> Facts<'_, W> {
    fn line(&mut self, name: &str, text: &str) -> io::Result<()> {
        // The name is padded before it is painted, because a terminal does not count what it does not show.
        writeln!(self.out, "   {}  {text}", self.style.paint(Paint::Faint, format!("{name:<8}")))
    }
}

/// What the source said of the first cause, how often, and when it said so last.
fn evidence(incident: &Incident) -> Option<String> {
    let is_cause = |member: &&Member| {
        incident.causes.first().is_some_and(|cause| cause.entity == member.entity && cause.signal == member.signal)
    };
    let member = incident.members.iter().find(is_cause).or_else(|| incident.members.first())?;
    // As long as a record keeps it: of most errors the end says what is wrong.
    let message = one_line(&member.message, 500);
    if message.is_empty() {
        return None;
    }
    let last = moment::beside(member.last_seen_at, incident.began_at);
    Some(match member.repeats {
        0 | 1 => format!("{message} (seen at {last})"),
        many => format!("{message} (seen {many} times, last at {last})"),
    })
}

/// What speaks for the first cause, beside that it is there.
fn because(incident: &Incident) -> Option<String> {
    let all = wording::reasons(incident.causes.first()?);
    let texts: Vec<_> = all.map(|because| one_line(&because.text, 300)).collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

/// Causes that may stand beside the first one. What follows from another cause is a step on the way, and no alternative.
fn others(incident: &Incident) -> impl Iterator<Item = &Cause> {
    let follows = |cause: &Cause| cause.because.iter().any(|because| &*because.rule == "explained");
    incident.causes.iter().skip(1).filter(move |cause| !follows(cause))
}

/// Who suffers beside the first cause, those for whom it goes on before those for whom it is over.
fn affected(incident: &Incident) -> Option<String> {
    let is_over = incident.open_count == 0;
    let mut names: Vec<String> = Vec::new();
    let cause = incident.causes.first().map(|cause| &cause.entity);
    let (on, over): (Vec<_>, Vec<_>) = incident.members.iter().partition(|member| member.ended_at.is_none() || is_over);
    for name in on.iter().chain(&over).filter(|m| Some(&m.entity) != cause).map(|m| wording::name(&m.entity)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let more = names.len().saturating_sub(ENTITIES_SHOWN);
    names.truncate(ENTITIES_SHOWN);
    let tail = match (more, incident.members_hidden() > 0) {
        (0, false) => String::new(),
        (more, false) => format!(" and {more} more"),
        (_, true) => " and more".to_owned(),
    };
    match (names.is_empty(), incident.object_count > 1) {
        (true, false) => None,
        (true, true) => Some(format!("itself only, {}", wording::extent(incident))),
        (false, false) => Some(names.join(", ")),
        (false, true) => Some(format!("{}: {}{tail}", wording::extent(incident), names.join(", "))),
    }
}

/// What the members show beside what the headline says, the most frequent first.
fn symptoms(incident: &Incident, rules: &RuleSet) -> Vec<String> {
    let said = |signal: &str| match incident.causes.first().filter(|cause| *cause.signal == *signal) {
        Some(cause) => 1 + u32::try_from(tellers(incident, &cause.entity, signal).len()).unwrap_or(u32::MAX),
        None => 0,
    };
    let counts = incident.signals.iter().map(|count| (&*count.signal, count.count.saturating_sub(said(&count.signal))));
    let counts: Vec<_> = counts.filter(|(_, count)| *count > 0).collect();
    let mut lines: Vec<_> = counts
        .iter()
        .take(SYMPTOMS_SHOWN)
        .map(|(signal, count)| {
            let code = one_line(signal, 80);
            let known = rules.signal(signal).is_some();
            let says = if known { format!("{} ({code})", wording::says(signal, rules)) } else { code };
            format!("{count:>2} × {says}")
        })
        .collect();
    let more = counts.len().saturating_sub(SYMPTOMS_SHOWN);
    if more > 0 {
        lines.push(format!("and {}", wording::counted(more as u64, "other kind", "other kinds")));
    }
    lines
}

/// How the severity came about, step by step. Who owns the incident stands elsewhere.
fn severity(factors: &[Factor]) -> String {
    let told = factors.iter().filter(|factor| &*factor.rule != "owner");
    let step = |factor: &Factor| match factor.steps {
        0 => one_line(&factor.text, 300),
        steps => format!("{steps:+} because {}", one_line(&factor.text, 300)),
    };
    told.map(step).collect::<Vec<_>>().join("; ")
}

/// What happened, without what the headline says: that it opened, and by what.
fn news(incident: &Incident) -> Vec<TimelineEntry> {
    let all = &incident.timeline;
    let says_the_same = |a: &TimelineEntry, b: &TimelineEntry| {
        let what = |entry: &TimelineEntry| entry.text.split_once(": ").map(|(_, what)| what.to_owned());
        a.at == b.at && what(a).is_some() && what(a) == what(b)
    };
    let mut news: Vec<TimelineEntry> = Vec::new();
    for entry in all {
        if !news.last().is_some_and(|last| says_the_same(last, entry)) {
            news.push(entry.clone());
        }
    }
    if news.len() == 1 && news[0].at == incident.opened_at { Vec::new() } else { news }
}

fn page_line(page: &Page, beside: Time) -> String {
    format!(
        "{}  {} by {}, {}: {}",
        moment::beside(page.at, beside),
        one_line(&page.key.receiver, 80),
        if page.channel.is_empty() { "any channel".to_owned() } else { one_line(&page.channel, 80) },
        wording::page_purpose(page.kind),
        one_line(&page.reason, 300),
    )
}

fn timeline_line(entry: &TimelineEntry, beside: Time) -> String {
    format!("{}  {}", moment::beside(entry.at, beside), one_line(&entry.text, 300))
}

/// An element of a list that is cut in its middle.
enum Shown<'a, T> {
    Item(&'a T),
    Left(usize),
}

/// The first and the last elements of a list, and how many were left out between them.
fn ends<T>(list: &[T], each: usize) -> Vec<Shown<'_, T>> {
    if list.len() <= 2 * each + 1 {
        return list.iter().map(Shown::Item).collect();
    }
    let (first, last) = (&list[..each], &list[list.len() - each..]);
    let left = std::iter::once(Shown::Left(list.len() - 2 * each));
    first.iter().map(Shown::Item).chain(left).chain(last.iter().map(Shown::Item)).collect()
}

fn shown<T>(shown: Shown<'_, T>, line: impl FnOnce(&T) -> String) -> String {
    match shown {
        Shown::Item(item) => line(item),
        Shown::Left(count) => format!("…  {count} more"),
    }
}

fn summary(out: &mut impl Write, report: &Report<'_>, style: Style) -> io::Result<()> {
    let entries: Vec<_> = report.entries().filter(|entry| !entry.is_merged()).collect();
    let open = entries.iter().filter(|entry| entry.is_open()).count();
    let facts = wording::counted(report.observed.facts, "fact", "facts");
    let incidents = wording::counted(entries.len() as u64, "incident", "incidents");
    let pages = wording::counted(report.account.pages, "page", "pages");
    let line = match entries.len() {
        0 => format!("no incident in {facts}"),
        _ => format!("{incidents}, {open} open; {pages} would have gone out; from {facts}"),
    };
    writeln!(out, "{}", style.paint(Paint::Strong, line))?;
    for (scope, (first, last)) in &report.observed.scopes {
        let (from, to) = (moment::date_and_time(*first), moment::beside(*last, *first));
        writeln!(out, "cluster {}, observed from {from} to {to} UTC", one_line(&scope.to_string(), 100))?;
    }
    if report.account.pages_without_incident > 0 {
        let pages = wording::counted(report.account.pages_without_incident, "page", "pages");
        writeln!(out, "{pages} belong to incidents from before the range that was read")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Account;
    use crate::observed::Observed;
    use bellbuoy_core::incident::{Because, Explanation, IncidentId, NAMED, SignalCount};
    use bellbuoy_core::object::{Entity, Scope};
    use bellbuoy_core::rules::SignalRule;
    use bellbuoy_core::triage::Triaged;

    fn because(rule: &str, text: &str) -> Because {
        Because { rule: rule.into(), points: 10, text: text.into(), facts: Vec::new() }
    }

    fn cause(entity: &Entity, signal: &str, because: Vec<Because>) -> Cause {
        Cause { entity: entity.clone(), signal: signal.into(), score: 100, because }
    }

    fn factor(rule: &str, steps: i32, text: &str) -> Factor {
        Factor { rule: rule.into(), steps, text: text.into() }
    }

    /// A Secret without a key, the Deployment that wants it, and the Deployment's pods that do not become ready.
    fn triaged() -> Triaged {
        let secret = Entity::new("Secret", "shop", "db");
        let cart = Entity::new("Deployment", "shop", "cart");
        let by = |entity: &Entity, rule: &str| {
            Some(Explanation { entity: entity.clone(), rule: rule.into(), ..Explanation::default() })
        };
        let member = |entity: &Entity, signal: &str, explained_by| Member {
            entity: entity.clone(),
            signal: signal.into(),
            message: "it has no key \"url\"".into(),
            repeats: 3,
            last_seen_at: Time::from_secs(90),
            explained_by,
            ..Member::default()
        };
        let members = vec![
            member(&secret, "KeyMissing", None),
            member(&cart, "KeyMissing", by(&secret, NAMED)),
            member(&cart, "NotReady", by(&cart, "follows")),
        ];
        let causes = vec![
            cause(&secret, "KeyMissing", vec![because("unexplained", "said above"), because("reach", "explains both")]),
            cause(&cart, "NotReady", vec![because("explained", "a step on the way")]),
            cause(&Entity::new("Node", "", "a"), "NotReady", vec![because("unexplained", "stands beside it")]),
        ];
        let count = |signal: &str, count| SignalCount { signal: signal.into(), area: "".into(), count };
        let at_opening = |text: &str| TimelineEntry { at: Time::from_secs(60), text: text.into() };
        let incident = Incident {
            id: IncidentId(7),
            opened_at: Time::from_secs(60),
            causes,
            signals: vec![count("KeyMissing", 2), count("NotReady", 1)],
            member_count: 3,
            open_count: 3,
            object_count: 1,
            members,
            timeline: vec![at_opening("opened: KeyMissing on X"), at_opening("most probable cause: KeyMissing on X")],
            ..Incident::default()
        };
        Triaged {
            incident,
            severity: Severity::P2,
            owner: "developers".into(),
            factors: vec![
                factor("weight", 0, "counts as P3"),
                factor("wide", 1, "it is wide"),
                factor("owner", 0, "no"),
            ],
            ..Triaged::default()
        }
    }

    #[track_caller]
    fn check(triaged: Triaged, expect: &[&str]) {
        let rule = |code: &str, says: &str| SignalRule { code: code.into(), says: says.into(), ..Default::default() };
        let catalogue = vec![rule("KeyMissing", "wants a missing key"), rule("NotReady", "has pods that wait")];
        let rules = RuleSet { catalogue, ..RuleSet::default() };
        let (mut account, observed) = (Account::default(), Observed::default());
        account.triaged(&Scope::cluster("test"), Time::from_secs(120), triaged);
        let report = Report { account: &account, observed: &observed, rules: &rules, all: false };
        let mut out = Vec::new();
        write(&mut out, &report, Style::PLAIN).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<_> = text.lines().take_while(|line| !line.is_empty()).collect();
        assert_eq!(lines, expect);
    }

    #[test]
    fn each_line_says_one_thing_and_nothing_is_said_twice() {
        check(
            triaged(),
            &[
                "P2 OPEN  Deployment shop/cart wants a missing key (Secret shop/db)",
                "   inc-0000000000000007  KeyMissing, owner developers, since 1970-01-01 00:00:00 UTC, for 2m",
                "   evidence  it has no key \"url\" (seen 3 times, last at 00:01:30)",
                "   because   explains both",
                "   or        Node a has pods that wait (NotReady), which nothing here explains either",
                "   affected  Deployment shop/cart",
                "   symptoms   1 × has pods that wait (NotReady)",
                "   severity  counts as P3; +1 because it is wide",
                "   told      nobody",
                "   look      kubectl describe -n shop secret db",
            ],
        );
    }

    #[test]
    fn a_note_is_short() {
        check(
            Triaged { severity: Severity::P5, ..triaged() },
            &[
                "P5 OPEN  Deployment shop/cart wants a missing key (Secret shop/db)",
                "   inc-0000000000000007  KeyMissing, owner developers, since 1970-01-01 00:00:00 UTC, for 2m",
                "   evidence  it has no key \"url\" (seen 3 times, last at 00:01:30)",
                "   look      kubectl describe -n shop secret db",
            ],
        );
    }

    #[test]
    fn what_is_over_asks_for_nothing() {
        let mut over = triaged();
        let incident = &mut over.incident;
        (incident.status, incident.open_count) = (bellbuoy_core::incident::Status::Resolved, 0);
        incident.resolved_at = Some(Time::from_secs(100));
        incident.timeline.push(TimelineEntry { at: Time::from_secs(100), text: "resolved: all is well".into() });
        (over.runbook, over.severity) = ("https://wiki.example.com".into(), Severity::P5);
        check(
            over,
            &[
                "P5 RESOLVED  Deployment shop/cart wants a missing key (Secret shop/db)",
                "   inc-0000000000000007  KeyMissing, owner developers, from 1970-01-01 00:00:00 to 00:01:40 UTC, 1m40s",
                "   evidence  it has no key \"url\" (seen 3 times, last at 00:01:30)",
            ],
        );
    }
}
