//! Colour and plainness of text: nothing on a terminal but what we wrote, and no colour anywhere else.

use bellbuoy_core::severity::Severity;
use std::fmt;
use std::io::IsTerminal;

/// Whether text is painted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Style {
    colour: bool,
}

/// A role of text; each has one look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// What to read first.
    Strong,
    /// What may be skipped.
    Faint,
    /// What is over, or well.
    Good,
    /// What needs attention.
    Warning,
    /// What is broken.
    Bad,
}

impl Style {
    /// Without colour.
    #[cfg(test)]
    pub(crate) const PLAIN: Style = Style { colour: false };

    /// With colour if the stream is a terminal that shows it, and nobody has set `NO_COLOR` (no-color.org).
    pub(crate) fn of(stream: &impl IsTerminal) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self { colour: stream.is_terminal() && !refused && !dumb }
    }

    /// Whether it paints.
    pub(crate) fn is_coloured(self) -> bool {
        self.colour
    }

    /// Paints a text.
    pub(crate) fn paint<T: fmt::Display>(self, paint: Paint, text: T) -> Painted<T> {
        Painted { paint: self.colour.then_some(paint), text }
    }

    /// The look of a severity.
    pub(crate) fn severity(self, severity: Severity) -> Painted<Severity> {
        let paint = match severity {
            Severity::P1 | Severity::P2 => Paint::Bad,
            Severity::P3 => Paint::Warning,
            Severity::P4 | Severity::P5 => Paint::Faint,
        };
        self.paint(paint, severity)
    }
}

/// A painted text.
pub(crate) struct Painted<T> {
    paint: Option<Paint>,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Select Graphic Rendition, ECMA-48 §8.3.117.
        let code = match self.paint {
            None => return self.text.fmt(f),
            Some(Paint::Strong) => "1",
            Some(Paint::Faint) => "2",
            Some(Paint::Good) => "32",
            Some(Paint::Warning) => "33",
            Some(Paint::Bad) => "1;31",
        };
        write!(f, "\x1b[{code}m")?;
        self.text.fmt(f)?;
        f.write_str("\x1b[0m")
    }
}

/// Text of strangers, made fit for a terminal and for one line: control characters, which could move the cursor or
/// forge a line, become blanks, and what is beyond `chars_max` becomes an ellipsis.
pub(crate) fn one_line(text: &str, chars_max: usize) -> String {
    let mut line = String::with_capacity(text.len().min(chars_max * 4));
    let mut blank = false;
    let mut count = 0;
    for character in text.trim().chars() {
        let is_blank = character.is_whitespace() || character.is_control() || is_invisible(character);
        if is_blank && blank {
            continue;
        }
        if count == chars_max {
            line.push('…');
            break;
        }
        blank = is_blank;
        line.push(if is_blank { ' ' } else { character });
        count += 1;
    }
    line
}

/// Marks that reorder or hide what stands beside them (Unicode bidirectional controls, zero-width space).
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_cannot_paint_move_or_forge() {
        assert_eq!(one_line("a\x1b[2Jb\nP1 OPEN\u{202e}x", 80), "a [2Jb P1 OPEN x");
        assert_eq!(one_line("  many   blanks\t\there ", 80), "many blanks here");
    }

    #[test]
    fn long_text_is_cut_by_characters_not_bytes() {
        assert_eq!(one_line("übermäßig", 4), "über…");
        assert_eq!(one_line("kurz", 4), "kurz");
    }

    #[test]
    fn plain_style_adds_nothing() {
        assert_eq!(Style::PLAIN.paint(Paint::Bad, "x").to_string(), "x");
        assert_eq!(Style { colour: true }.paint(Paint::Bad, "x").to_string(), "\x1b[1;31mx\x1b[0m");
    }
}
