//! `explain`: why these episodes are one incident, why this cause, this severity and these pages, with the facts.

use crate::account::Entry;
use crate::cli::ExplainArgs;
use crate::embedded::Embedded;
use crate::input::Input;
use crate::place::Place;
use crate::report::{text, wording};
use crate::style::{Paint, Style, one_line};
use crate::tally::Tally;
use crate::{exit, moment, output, replay};
use bellbuoy_core::fact::{Fact, FactId};
use bellbuoy_core::incident::{Evidence, Explanation, Incident, Member, Stamped};
use bellbuoy_core::object::Entity;
use bellbuoy_core::page::Page;
use bellbuoy_core::rules::RuleSet;
use bellbuoy_core::time::Time;
use bellbuoy_core::triage::Triaged;
use bellbuoy_wire::rules::Config;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Explains an incident. The embedded log holds what was decided; sources are folded to decide it anew.
///
/// # Errors
/// When the input cannot be read, or no one incident has that name.
pub(crate) fn run(args: &ExplainArgs, config: &Config, overrides: bool) -> anyhow::Result<exit::Code> {
    let input = Input::of_either(&args.from, args.data_dir.as_deref(), config)?;
    let rules = Arc::new(config.rule_set());
    let tally = match input.embedded() {
        Some(embedded) => decided(&input, embedded)?,
        None => replay::fold(&rules, overrides, |each| input.read(replay::FOLDING, each))?.0,
    };
    let entry = tally.account.find(&args.incident)?;
    let mut exhibits = Exhibits::of(entry);
    // The facts were let go when they had been decided on: they are read a second time.
    input.read("looking for the facts", |fact, place| {
        exhibits.offer(&fact, place);
        Ok(if exhibits.is_complete() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    let mut out = output::stdout();
    let style = Style::of(&std::io::stdout());
    write(&mut out, entry, tally.observed.last(&entry.scope), &exhibits, &rules, style)?;
    out.flush()?;
    Ok(exit::Code::Done)
}

/// What the embedded log says was decided.
fn decided(input: &Input, embedded: &Embedded) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    input.read("reading the journal", |fact, _| {
        tally.observed.note(&fact);
        Ok(ControlFlow::Continue(()))
    })?;
    embedded.each::<Stamped<Triaged>>(|record, _, _| {
        tally.triaged(record);
        Ok(ControlFlow::Continue(()))
    })?;
    embedded.each::<Stamped<Page>>(|page, _, _| {
        tally.page(page);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(tally)
}

/// A fact that an incident rests on, found again.
#[derive(Debug)]
pub(crate) struct Found {
    /// Where it stands.
    pub(crate) place: Place,
    /// The fact.
    pub(crate) fact: Fact,
}

/// The facts that an incident rests on, by id; none for those that were not found.
#[derive(Debug, Default)]
pub(crate) struct Exhibits {
    wanted: BTreeMap<FactId, Time>,
    found: BTreeMap<FactId, Found>,
}

impl Exhibits {
    /// Everything that an incident names as evidence.
    pub(crate) fn of(entry: &Entry) -> Self {
        let incident = &entry.triaged.incident;
        let because = incident.causes.iter().flat_map(|cause| &cause.because).flat_map(|because| &because.facts);
        let members = incident.members.iter().flat_map(|member| &member.evidence);
        let wanted = because.chain(members).map(|evidence| (evidence.fact, evidence.observed_at)).collect();
        Self { wanted, found: BTreeMap::new() }
    }

    /// Takes a fact of the journal in, if it is wanted. The first place of a fact stands: a duplicate decided nothing.
    pub(crate) fn offer(&mut self, fact: &Fact, place: impl FnOnce() -> Place) {
        if self.wanted.contains_key(&fact.id) && !self.found.contains_key(&fact.id) {
            self.found.insert(fact.id, Found { place: place(), fact: fact.clone() });
        }
    }

    /// Whether nothing is missing any more.
    pub(crate) fn is_complete(&self) -> bool {
        self.found.len() == self.wanted.len()
    }

    /// The numbers by which the text refers to facts: in the order of their observation.
    fn numbers(&self) -> BTreeMap<FactId, usize> {
        let mut ids: Vec<_> = self.wanted.iter().map(|(id, at)| (*at, *id)).collect();
        ids.sort();
        ids.into_iter().enumerate().map(|(at, (_, id))| (id, at + 1)).collect()
    }
}

/// Writes the explanation.
///
/// # Errors
/// When the stream cannot be written.
pub(crate) fn write(
    out: &mut impl Write,
    entry: &Entry,
    observed_to: Option<Time>,
    exhibits: &Exhibits,
    rules: &RuleSet,
    style: Style,
) -> io::Result<()> {
    let incident = &entry.triaged.incident;
    let status = wording::status(incident).to_uppercase();
    let headline = style.paint(Paint::Strong, wording::headline(incident, rules));
    writeln!(out, "{} {status}  {headline}", style.severity(entry.triaged.severity))?;
    writeln!(out, "   {}, cluster {}, {}", incident.id, entry.scope, wording::when(entry, observed_to))?;
    text::essence(out, entry, rules, style)?;
    let numbers = exhibits.numbers();
    one_incident(out, incident, rules, &numbers, style)?;
    causes(out, incident, rules, &numbers, style)?;
    severity(out, entry, style)?;
    pages(out, entry, style)?;
    facts(out, exhibits, &numbers, style)
}

fn heading(out: &mut impl Write, text: &str, style: Style) -> io::Result<()> {
    writeln!(out, "\n{}", style.paint(Paint::Strong, text))
}

fn one_incident(
    out: &mut impl Write,
    incident: &Incident,
    rules: &RuleSet,
    numbers: &BTreeMap<FactId, usize>,
    style: Style,
) -> io::Result<()> {
    heading(out, if incident.members.len() == 1 { "What is seen" } else { "Why these are one incident" }, style)?;
    let tree = Tree::of(incident, rules);
    let mut told = BTreeSet::new();
    for root in &tree.roots {
        branch(out, &tree, *root, 0, &mut told, numbers, style)?;
    }
    // What a damaged record explains in a circle hangs on no root, and is not left out for it.
    for member in 0..incident.members.len() {
        if !told.contains(&member) {
            branch(out, &tree, member, 0, &mut told, numbers, style)?;
        }
    }
    let hidden = incident.members_hidden();
    if hidden > 0 {
        writeln!(
            out,
            "   and {} that the record does not show",
            wording::counted(hidden as u64, "symptom", "symptoms")
        )?;
    }
    let absorbed = incident.timeline.iter().filter(|moment| moment.text.contains("inc-"));
    for moment in absorbed {
        writeln!(out, "   {}  {}", moment::beside(moment.at, incident.began_at), one_line(&moment.text, 300))?;
    }
    Ok(())
}

/// Members by what explains them.
struct Tree<'a> {
    incident: &'a Incident,
    rules: &'a RuleSet,
    members: &'a [Member],
    roots: Vec<usize>,
    effects: BTreeMap<(&'a Entity, &'a str), Vec<usize>>,
}

impl<'a> Tree<'a> {
    fn of(incident: &'a Incident, rules: &'a RuleSet) -> Self {
        let members = &*incident.members;
        let shown: BTreeSet<_> = members.iter().map(|member| (&member.entity, &*member.signal)).collect();
        let (mut roots, mut effects) = (Vec::new(), BTreeMap::<_, Vec<usize>>::new());
        for (at, member) in members.iter().enumerate() {
            let by = member.explained_by.as_ref().map(|by| (&by.entity, &*by.signal));
            match by.filter(|by| shown.contains(by)) {
                Some(by) => effects.entry(by).or_default().push(at),
                None => roots.push(at),
            }
        }
        Self { incident, rules, members, roots, effects }
    }

    /// What follows from a member, by the way in which it does, in the order of the members.
    fn effects_of(&self, member: &Member) -> Vec<(&'a Explanation, Vec<usize>)> {
        let mut ways: Vec<(&Explanation, Vec<usize>)> = Vec::new();
        for at in self.effects.get(&(&member.entity, &*member.signal)).into_iter().flatten() {
            let Some(by) = &self.members[*at].explained_by else { continue };
            match ways.iter_mut().find(|(way, _)| way.rule == by.rule && way.relation == by.relation) {
                Some((_, effects)) => effects.push(*at),
                None => ways.push((by, vec![*at])),
            }
        }
        ways
    }
}

fn branch(
    out: &mut impl Write,
    tree: &Tree<'_>,
    at: usize,
    depth: usize,
    told: &mut BTreeSet<usize>,
    numbers: &BTreeMap<FactId, usize>,
    style: Style,
) -> io::Result<()> {
    if !told.insert(at) {
        return Ok(());
    }
    let member = &tree.members[at];
    let indent = "   ".repeat(depth + 1);
    let many = if member.objects > 1 { format!(", on {} objects", member.objects) } else { String::new() };
    let repeats = if member.repeats > 1 { format!(", seen {} times", member.repeats) } else { String::new() };
    let times = match member.ended_at {
        Some(ended) => format!("from {} to {}", moment::beside(member.began_at, tree.incident.began_at), {
            moment::beside(ended, member.began_at)
        }),
        None => format!("since {}", moment::beside(member.began_at, tree.incident.began_at)),
    };
    let late = if member.late { ", a fact of it came late" } else { "" };
    let name = wording::sentence(tree.incident, &member.entity, &member.signal, tree.rules);
    let name = style.paint(Paint::Strong, name);
    writeln!(out, "{indent}{name}{many}, {times}{repeats}{late}{}", cited(&member.evidence, numbers))?;
    match &member.explained_by {
        // What it follows from stands above it, unless the record does not show that.
        Some(by) if depth == 0 => {
            let from = format!("{} ({})", wording::name(&by.entity), one_line(&by.signal, 80));
            writeln!(out, "{indent}  follows from {from}{}", how(by))?;
        }
        None if tree.members.len() > 1 => writeln!(out, "{indent}  nothing here explains it")?,
        Some(_) | None => {}
    }
    for (by, effects) in tree.effects_of(member) {
        writeln!(out, "{indent}  leads to these{}", how(by))?;
        for effect in effects {
            branch(out, tree, effect, depth + 1, told, numbers, style)?;
        }
    }
    Ok(())
}

/// How an effect hangs together with its cause, and the rule that says so.
fn how(by: &Explanation) -> String {
    format!(", because {} ({})", one_line(&by.relation, 200), one_line(&by.rule, 80))
}

fn causes(
    out: &mut impl Write,
    incident: &Incident,
    rules: &RuleSet,
    numbers: &BTreeMap<FactId, usize>,
    style: Style,
) -> io::Result<()> {
    heading(out, "Why this cause", style)?;
    if incident.causes.is_empty() {
        writeln!(out, "   no cause stands out")?;
    }
    for (rank, cause) in (1..).zip(&incident.causes) {
        let name = wording::sentence(incident, &cause.entity, &cause.signal, rules);
        writeln!(out, "   {rank}. {name}, score {}", cause.score)?;
        for because in &cause.because {
            let (rule, text) = (one_line(&because.rule, 80), one_line(&because.text, 300));
            writeln!(out, "      {:+4}  {text} ({rule}){}", because.points, cited(&because.facts, numbers))?;
        }
    }
    Ok(())
}

fn severity(out: &mut impl Write, entry: &Entry, style: Style) -> io::Result<()> {
    let triaged = &entry.triaged;
    heading(out, &format!("Why {}, and why {}", triaged.severity, one_line(&triaged.owner, 80)), style)?;
    for factor in &triaged.factors {
        // Towards P1 is up for people, whatever the number does.
        let steps = match factor.steps {
            0 => "  ".to_owned(),
            steps => format!("{steps:+}"),
        };
        writeln!(out, "   {steps:>3}  {} ({})", one_line(&factor.text, 300), one_line(&factor.rule, 80))?;
    }
    Ok(())
}

fn pages(out: &mut impl Write, entry: &Entry, style: Style) -> io::Result<()> {
    heading(out, "Why these pages", style)?;
    if entry.pages.is_empty() {
        writeln!(out, "   nobody is told")?;
    }
    for page in &entry.pages {
        let (kind, receiver) = (wording::page_purpose(page.kind), one_line(&page.key.receiver, 80));
        let at = moment::date_and_time(page.at);
        let channel = if page.channel.is_empty() { "any channel".to_owned() } else { one_line(&page.channel, 80) };
        writeln!(
            out,
            "   {at}  {receiver} by {channel}, tier {}, {kind}: {}",
            page.tier,
            one_line(&page.summary, 300)
        )?;
        writeln!(out, "      {} ({}), page {}", one_line(&page.reason, 300), one_line(&page.rule, 80), page.key)?;
    }
    Ok(())
}

fn facts(out: &mut impl Write, exhibits: &Exhibits, numbers: &BTreeMap<FactId, usize>, style: Style) -> io::Result<()> {
    heading(out, "The facts", style)?;
    let mut ids: Vec<_> = numbers.iter().map(|(id, number)| (*number, *id)).collect();
    ids.sort();
    for (number, id) in ids {
        match exhibits.found.get(&id) {
            Some(found) => {
                let observed = moment::rfc3339(found.fact.observed_at);
                writeln!(out, "  {:>4}  {}", format!("[{number}]"), wording::fact(&found.fact))?;
                let place = style.paint(Paint::Faint, format!("observed {observed}, {}, fact {id}", found.place));
                writeln!(out, "        {place}")?;
            }
            None => {
                let at = exhibits.wanted.get(&id).copied().unwrap_or_default();
                let observed = moment::rfc3339(at);
                writeln!(
                    out,
                    "  {:>4}  is not in what was read: fact {id}, observed {observed}",
                    format!("[{number}]")
                )?;
            }
        }
    }
    Ok(())
}

/// `  [1][4]`.
fn cited(evidence: &[Evidence], numbers: &BTreeMap<FactId, usize>) -> String {
    let mut cited: Vec<_> = evidence.iter().filter_map(|evidence| numbers.get(&evidence.fact)).collect();
    cited.sort();
    let cited: String = cited.into_iter().map(|number| format!("[{number}]")).collect();
    if cited.is_empty() { cited } else { format!(" {cited}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, by: Option<&str>) -> Member {
        let explained_by = by.map(|by| Explanation { entity: Entity::new("Node", "", by), ..Explanation::default() });
        Member { entity: Entity::new("Node", "", name), explained_by, ..Member::default() }
    }

    fn lines(members: Vec<Member>) -> Vec<String> {
        let incident = Incident { member_count: u32::try_from(members.len()).unwrap(), members, ..Incident::default() };
        let mut out = Vec::new();
        one_incident(&mut out, &incident, &RuleSet::default(), &BTreeMap::new(), Style::PLAIN).unwrap();
        String::from_utf8(out).unwrap().lines().filter(|line| line.contains("Node")).map(str::to_owned).collect()
    }

    #[test]
    fn effects_stand_below_what_explains_them() {
        let lines = lines(vec![member("a", None), member("b", Some("c")), member("c", Some("a"))]);
        let starts: Vec<_> = lines.iter().map(|line| line.split(" (").next().unwrap()).collect();
        assert_eq!(starts, ["   Node a", "      Node c", "         Node b"]);
    }

    #[test]
    fn what_the_record_does_not_show_is_named_by_what_follows_from_it() {
        let lines = lines(vec![member("b", Some("gone"))]);
        assert_eq!(lines.len(), 2, "{lines:#?}");
        assert!(lines[1].starts_with("     follows from Node gone"), "{lines:#?}");
    }

    #[test]
    fn a_circle_ends_and_leaves_nobody_out() {
        let lines = lines(vec![member("a", Some("b")), member("b", Some("a"))]);
        assert_eq!(
            lines.iter().filter(|line| line.contains("Node") && line.contains(", since")).count(),
            2,
            "{lines:#?}"
        );
    }
}
