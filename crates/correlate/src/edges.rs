//! Causal rules, compiled: which signals they join, and what the effect must say.

use crate::pattern::Pattern;
use bellbuoy_core::Text;
use bellbuoy_core::rules::{CausalityRule, RuleSet};
use std::collections::{HashMap, HashSet};
use std::ops::Deref;

/// All causal rules, by what they join.
#[derive(Debug, Default)]
pub(crate) struct Edges {
    edges: Vec<Edge>,
    by_effect: HashMap<Text, Vec<usize>>,
    by_cause: HashMap<Text, Vec<usize>>,
}

/// One causal rule.
#[derive(Debug)]
pub(crate) struct Edge {
    rule: CausalityRule,
    causes: HashSet<Text>,
    effects: HashSet<Text>,
    /// None: takes effects whatever they say.
    pattern: Option<Pattern>,
}

impl Edges {
    /// Takes the causal rules. One whose pattern is no regular expression joins nothing: the configuration's loader
    /// refuses it with its place.
    pub(crate) fn new(rules: &RuleSet) -> Self {
        let mut this = Self::default();
        for rule in &rules.causality {
            let pattern = (!rule.pattern.is_empty()).then(|| Pattern::new(rule.pattern.clone()));
            let number = this.edges.len();
            let edge = Edge {
                causes: rule.causes.iter().cloned().collect(),
                effects: rule.effects.iter().cloned().collect(),
                rule: rule.clone(),
                pattern,
            };
            for (codes, by) in [(&rule.effects, &mut this.by_effect), (&rule.causes, &mut this.by_cause)] {
                for code in codes {
                    let rows = by.entry(code.clone()).or_default();
                    // A list may name a code twice.
                    if rows.last() != Some(&number) {
                        rows.push(number);
                    }
                }
            }
            this.edges.push(edge);
        }
        this
    }

    /// Rules by which a signal follows from something.
    pub(crate) fn to(&self, effect: &str) -> impl Iterator<Item = &Edge> {
        self.by_effect.get(effect).into_iter().flatten().map(|number| &self.edges[*number])
    }

    /// Rules by which something follows from a signal.
    pub(crate) fn from(&self, cause: &str) -> impl Iterator<Item = &Edge> {
        self.by_cause.get(cause).into_iter().flatten().map(|number| &self.edges[*number])
    }
}

impl Edge {
    /// Whether a signal may be the cause.
    pub(crate) fn has_cause(&self, code: &str) -> bool {
        self.causes.contains(code)
    }

    /// Whether a signal may be the effect.
    pub(crate) fn has_effect(&self, code: &str) -> bool {
        self.effects.contains(code)
    }

    /// Whether the rule takes effects whatever they say.
    pub(crate) fn takes_anything(&self) -> bool {
        matches!(&*self.rule.pattern, "" | ".")
    }

    /// Whether the rule takes an effect that says this.
    pub(crate) fn takes(&self, message: &str) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| pattern.is_match(message))
    }
}

impl Deref for Edge {
    type Target = CausalityRule;

    fn deref(&self) -> &CausalityRule {
        &self.rule
    }
}
