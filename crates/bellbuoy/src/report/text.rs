//! The report for a person at 3 a.m.: the worst first, and of each what is wrong, why, whose it is and who was told.

use super::Report;
use super::wording;
use crate::account::Entry;
use crate::moment;
use crate::style::{Paint, Style, one_line};
use bellbuoy_core::incident::{Cause, Incident, TimelineEntry};
use bellbuoy_core::page::Page;
use bellbuoy_core::time::Time;
use std::io::{self, Write};

/// Reasons shown for the first cause; all of them stand in `explain` and in the JSON.
const BECAUSE_SHOWN: usize = 5;
/// Entities named; all are counted.
const ENTITIES_SHOWN: usize = 6;
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
    writeln!(out, "   {}  owner {}, {when}{place}", style.paint(Paint::Faint, incident.id), one_line(owner, 80))?;
    causes(out, &incident.causes, style)?;
    let mut facts = Facts { out, style };
    if let Some(message) =
        incident.members.first().map(|member| one_line(&member.message, 300)).filter(|text| !text.is_empty())
    {
        facts.line("message", &message)?;
    }
    facts.line("affected", &affected(incident))?;
    facts.line("signals", &signals(incident))?;
    for (at, page) in ends(&entry.pages, PAGES_SHOWN).into_iter().enumerate() {
        facts.line(if at == 0 { "pages" } else { "" }, &shown(page, |page| page_line(page, incident.began_at)))?;
    }
    if entry.pages.is_empty() {
        facts.line("pages", "none")?;
    }
    for (at, moment) in ends(&incident.timeline, TIMELINE_SHOWN).into_iter().enumerate() {
        facts.line(
            if at == 0 { "timeline" } else { "" },
            &shown(moment, |moment| timeline_line(moment, incident.began_at)),
        )?;
    }
    if !triaged.runbook.is_empty() {
        facts.line("to do", &one_line(&triaged.runbook, 300))?;
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

fn causes(out: &mut impl Write, causes: &[Cause], style: Style) -> io::Result<()> {
    for (rank, cause) in causes.iter().enumerate() {
        let name = wording::name(&cause.entity);
        let line = format!("{name}: {}, score {}", one_line(&cause.signal, 80), cause.score);
        Facts { out, style }.line(if rank == 0 { "cause" } else { "or" }, &line)?;
        if rank == 0 {
            for because in cause.because.iter().take(BECAUSE_SHOWN) {
                let line = format!("{:+4}  {}", because.points, one_line(&because.text, 300));
                Facts { out, style }.line("", &line)?;
            }
            if cause.because.len() > BECAUSE_SHOWN {
                let more = format!("      and {} more", cause.because.len() - BECAUSE_SHOWN);
                Facts { out, style }.line("", &more)?;
            }
        }
    }
    Ok(())
}

fn affected(incident: &Incident) -> String {
    let mut names: Vec<String> = Vec::new();
    for name in incident.members.iter().map(|member| wording::name(&member.entity)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let more = names.len().saturating_sub(ENTITIES_SHOWN);
    names.truncate(ENTITIES_SHOWN);
    let hidden = usize::try_from(incident.member_count).unwrap_or(usize::MAX) > incident.members.len();
    let tail = match (more, hidden) {
        (0, false) => String::new(),
        (more, false) => format!(" and {more} more"),
        (_, true) => " and more".to_owned(),
    };
    format!("{}: {}{tail}", wording::extent(incident), names.join(", "))
}

fn signals(incident: &Incident) -> String {
    let one = |count: &bellbuoy_core::incident::SignalCount| match count.count {
        1 => one_line(&count.signal, 80),
        many => format!("{} ×{many}", one_line(&count.signal, 80)),
    };
    incident.signals.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn page_line(page: &Page, beside: Time) -> String {
    format!(
        "{}  {} to {} by {}: {} ({})",
        moment::beside(page.at, beside),
        wording::page_kind(page.kind),
        one_line(&page.key.receiver, 80),
        if page.channel.is_empty() { "any channel".to_owned() } else { one_line(&page.channel, 80) },
        one_line(&page.summary, 300),
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
    let line = format!("{incidents}, {open} open; {pages} would have gone out; from {facts}");
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
