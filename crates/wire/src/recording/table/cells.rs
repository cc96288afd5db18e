//! The heading of a table and the cells under it.

/// Headings of the tables that are read: all of these columns make one.
const TABLES: [&[&str]; 14] = [
    &["LAST SEEN", "REASON", "OBJECT", "MESSAGE"],
    &["LASTSEEN", "KIND", "NAME", "REASON", "MESSAGE"],
    &["NAME", "READY", "STATUS", "RESTARTS", "AGE"],
    &["NAME", "STATUS", "ROLES", "AGE"],
    OLD_NODES,
    &["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"],
    // Deployments before 1.15, and DaemonSets.
    &["NAME", "DESIRED", "CURRENT", "UP-TO-DATE", "AVAILABLE", "AGE"],
    &["NAME", "DESIRED", "CURRENT", "READY", "AGE"],
    &["NAME", "STATUS", "VOLUME", "CAPACITY", "ACCESS MODES", "AGE"],
    &["NAME", "STATUS", "COMPLETIONS", "DURATION", "AGE"],
    STATEFUL_SETS,
    CONDITIONS,
    // Events below the description of their object.
    &["Type", "Reason", "Age", "From", "Message"],
    &["FirstSeen", "LastSeen", "Count", "From", "Type", "Reason", "Message"],
];

/// The columns of StatefulSets: these and no others, because many a table has these among its own.
const STATEFUL_SETS: &[&str] = &["NAME", "READY", "AGE"];

/// The columns of nodes before they had roles: these and no others, for the same reason.
const OLD_NODES: &[&str] = &["NAME", "STATUS", "AGE", "VERSION"];

/// The columns of a node's conditions, in the description of the node; those of others have no heartbeat.
const CONDITIONS: &[&str] = &["Type", "Status", "LastHeartbeatTime", "LastTransitionTime", "Reason", "Message"];

/// Columns that a table may have before or, when it is wide, after its own.
const AROUND: [&str; 7] =
    ["NAMESPACE", "CONTAINERS", "IMAGES", "EXTERNAL-IP", "OS-IMAGE", "KERNEL-VERSION", "CONTAINER-RUNTIME"];

/// The columns of a table: where each begins, in characters, and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header(Vec<(usize, String)>);

/// The cells of a row.
#[derive(Debug)]
pub(super) struct Cells<'r> {
    header: Vec<(&'r str, &'r str)>,
}

impl Header {
    /// Reads a heading, if the line is one of a table that is read here.
    pub(super) fn read(line: &str) -> Option<Self> {
        let line = line.trim_end();
        if !line.trim_start().starts_with(|first: char| first.is_ascii_uppercase()) {
            return None;
        }
        let columns: Vec<_> = words(line).map(|(at, name)| (width(&line[..at]), name.to_owned())).collect();
        let has = |name: &&str| columns.iter().any(|(_, column)| column == name);
        let has_no_other =
            |table: &[&str]| columns.iter().all(|(_, name)| table.contains(&&**name) || AROUND.contains(&&**name));
        let may_have_others = |table: &[&str]| table != STATEFUL_SETS && table != OLD_NODES;
        let is_table = |table: &&&[&str]| table.iter().all(has) && (may_have_others(table) || has_no_other(table));
        TABLES.iter().any(|table| is_table(&table)).then_some(Self(columns))
    }

    /// Whether a line is the heading of a table of whatever kind: no object has a name in capital letters.
    pub(super) fn begins_one(line: &str) -> bool {
        matches!(line.split_whitespace().next(), Some("NAME" | "NAMESPACE")) && words(line).nth(1).is_some()
    }

    /// Whether it stands in the description of an object, and ends with it.
    pub(super) fn is_indented(&self) -> bool {
        self.0.first().is_some_and(|(column, _)| *column > 0)
    }

    /// Whether its rows are the conditions of one node.
    pub(super) fn is_of_conditions(&self) -> bool {
        CONDITIONS.iter().all(|name| self.0.iter().any(|(_, column)| column == name))
    }

    /// How many columns it has.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The cells of a row: by where the columns begin, or by what lies between them where a row is out of line.
    pub(super) fn cells<'r>(&'r self, row: &'r str) -> Option<Cells<'r>> {
        let row = row.trim_end();
        let letters: Vec<(usize, usize)> = row
            .char_indices()
            .scan(0, |column, (at, letter)| {
                let here = *column;
                *column = after(here, letter);
                Some((here, at))
            })
            .collect();
        let byte = |column: usize| {
            let next = letters.partition_point(|(here, _)| *here < column);
            letters.get(next).map_or(row.len(), |(_, at)| *at)
        };
        let begins: Vec<usize> = self.0.iter().map(|(column, _)| byte(*column)).collect();
        let names = self.0.iter().map(|(_, name)| name.as_str());
        let next = begins.iter().skip(1).copied().chain([row.len()]);
        let cells = begins.iter().zip(next).map(|(from, to)| row[*from..to].trim());
        let cells = Cells { header: names.clone().zip(cells).collect() };
        let begins_anew = |at: &usize| *at == 0 || *at >= row.len() || row[..*at].ends_with([' ', '\t']);
        // Text may have gaps of its own; two words of another cell stand in two columns.
        let of_two =
            |(name, cell): &(&str, &str)| !name.eq_ignore_ascii_case("message") && words(cell).nth(1).is_some();
        if begins.iter().all(begins_anew) && !cells.header.iter().rev().skip(1).any(of_two) {
            return Some(cells);
        }
        let mut cells: Vec<&str> = Vec::new();
        for (at, cell) in words(row) {
            match cells.len() + 1 == self.len() {
                // The last column holds text with gaps of its own.
                true => {
                    cells.push(&row[at..]);
                    break;
                }
                false => cells.push(cell.trim_end()),
            }
        }
        (cells.len() == self.len()).then(|| Cells { header: names.zip(cells).collect() })
    }
}

impl<'r> Cells<'r> {
    /// The cell of a column; empty where there is no such column.
    pub(super) fn get(&self, column: &str) -> &'r str {
        self.header.iter().find(|(name, _)| *name == column).map_or("", |(_, cell)| *cell)
    }

    /// Whether the table has that column.
    pub(super) fn has(&self, column: &str) -> bool {
        self.header.iter().any(|(name, _)| *name == column)
    }
}

/// How wide a text is in a terminal: how many columns.
fn width(text: &str) -> usize {
    text.chars().fold(0, after)
}

/// The column after a letter that stands in one: a tab goes on to the next column that is a multiple of eight.
fn after(column: usize, letter: char) -> usize {
    if letter == '\t' { (column / 8 + 1) * 8 } else { column + 1 }
}

/// What stands between gaps of two blanks or more, and where it begins.
fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let begin = at + line[at..].find(|letter: char| !letter.is_whitespace())?;
        let rest = &line[begin..];
        let end = rest.find("  ").into_iter().chain(rest.find('\t')).min().unwrap_or(rest.len());
        at = begin + end;
        Some((begin, &line[begin..at]))
    })
}
