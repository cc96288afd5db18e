//! The environment of a container: variables with a value of their own, as the program will see them.

use crate::kubernetes::document;
use crate::kubernetes::settings::{Place, Settings, VALUE_BYTES_MAX};
use std::borrow::Cow;

/// Variables of one container that are read.
const VARIABLES_MAX: usize = 1_024;

/// Reads the variables of a container, in their order; those whose value stands in another object have none.
pub(crate) fn read<'v>(settings: &mut Settings, variables: impl Iterator<Item = (&'v str, Option<&'v str>)>) {
    let section = settings.section();
    let mut known: Vec<(&str, Option<Cow<'_, str>>)> = Vec::new();
    for (name, value) in variables.take(VARIABLES_MAX) {
        let value = value.map(|value| resolved(value, &known));
        match &value {
            Some(value) if value.contains('\n') => document::read(settings, name, value),
            Some(value) => settings.take(Place { section, key: name, is_line: false }, name, value),
            None => {}
        }
        known.push((name, value));
    }
}

/// A value with `$(NAME)` replaced by the value of that variable where it stands before this one, as the kubelet does
/// it: `$$` is a dollar, and what is not known stays as it is.
fn resolved<'v>(value: &'v str, known: &[(&str, Option<Cow<'_, str>>)]) -> Cow<'v, str> {
    if !value.contains('$') || value.len() > VALUE_BYTES_MAX {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let behind = &rest[at + 1..];
        rest = if let Some(behind) = behind.strip_prefix('$') {
            out.push('$');
            behind
        } else if let Some((name, behind)) = behind.strip_prefix('(').and_then(|inside| inside.split_once(')')) {
            match known.iter().rev().find(|(known, _)| *known == name) {
                Some((_, Some(value))) => out.push_str(value),
                _ => out.extend(["$(", name, ")"]),
            }
            behind
        } else {
            out.push('$');
            behind
        };
        // Each variable may name those before it twice, and they theirs.
        if out.len() > VALUE_BYTES_MAX {
            return Cow::Borrowed(value);
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::settings::shown;
    use proptest::prelude::*;

    fn check(variables: &[(&str, Option<&str>)], expect: &[&str]) {
        let mut settings = Settings::default();
        read(&mut settings, variables.iter().copied());
        assert_eq!(shown(&settings.addresses()), expect, "{variables:?}");
    }

    #[test]
    fn variables_name_those_before_them() {
        check(
            &[("NS", Some("shop")), ("PORT", Some("80")), ("CART_URL", Some("http://cart.$(NS):$(PORT)/v1"))],
            &["CART_URL http://cart.shop:80"],
        );
        check(&[("CART_URL", Some("http://cart.$(NS)")), ("NS", Some("shop"))], &[]);
        check(&[("NS", None), ("CART_URL", Some("http://cart.$(NS)"))], &[]);
        check(&[("P", None), ("URL_", Some("amqp://u:$(P)@mq:5672"))], &["URL_ amqp://mq:5672"]);
        check(&[("NS", Some("a")), ("NS", Some("b")), ("A_HOST", Some("cart.$(NS)"))], &["A_HOST cart.b"]);
    }

    #[test]
    fn dollars_are_read_as_the_kubelet_reads_them() {
        let known = [("A", Some(Cow::Borrowed("x"))), ("B", None)];
        for (value, expect) in [
            ("$(A)", "x"),
            ("-$(A)-$(A)-", "-x-x-"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$x"),
            ("$(B)", "$(B)"),
            ("$(C)", "$(C)"),
            ("$(A", "$(A"),
            ("$A", "$A"),
            ("$", "$"),
            ("a$", "a$"),
            ("$()", "$()"),
        ] {
            assert_eq!(resolved(value, &known), expect, "{value}");
        }
    }

    #[test]
    fn expansion_is_bounded() {
        let names: Vec<String> = (0..100).map(|n| format!("V{n}")).collect();
        let values: Vec<String> = (0..100_usize)
            .map(|n| if n == 0 { "xxxxxxxx".to_owned() } else { format!("$(V{0})$(V{0})", n - 1) })
            .collect();
        let mut settings = Settings::default();
        read(&mut settings, names.iter().zip(&values).map(|(name, value)| (&**name, Some(&**value))));
        assert_eq!(settings.addresses(), []);
    }

    #[test]
    fn a_variable_may_hold_a_file() {
        check(&[("CONFIG", Some("cart:\n  host: cart\n  port: 8080\n"))], &["CONFIG cart:8080"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_panics(variables in proptest::collection::vec(("[A-C]{1,2}", proptest::option::of("(\\$|\\(|\\)|[A-C]|é|\\n|:80|http://){0,12}")), 0..12)) {
            let mut settings = Settings::default();
            read(&mut settings, variables.iter().map(|(name, value)| (&**name, value.as_deref())));
        }
    }
}
