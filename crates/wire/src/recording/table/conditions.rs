//! The conditions of a node, as `kubectl describe` prints them.

use super::cells::Header;
use crate::recording::described::Described;
use serde_json::{Value, json};

/// A node that its conditions tell of: a row for each.
pub(super) fn node(header: &Header, rows: &str, of: &Described) -> Option<Value> {
    let mut conditions = Vec::new();
    for row in rows.lines() {
        let cells = header.cells(row)?;
        conditions.push(json!({
            "type": cells.get("Type"),
            "status": cells.get("Status"),
            "lastHeartbeatTime": time(cells.get("LastHeartbeatTime")),
            "lastTransitionTime": time(cells.get("LastTransitionTime")),
            "reason": cells.get("Reason"),
            "message": cells.get("Message"),
        }));
    }
    (!of.name.is_empty()).then(|| {
        json!({
            "kind": "Node",
            "metadata": {"name": of.name, "creationTimestamp": time(&of.created)},
            "spec": {"unschedulable": of.unschedulable},
            "status": {"conditions": conditions},
        })
    })
}

/// A time as descriptions write it, `Sat, 10 Sep 2016 10:39:26 -0700`, as objects have it. None where it is not set.
fn time(text: &str) -> Option<String> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (_, date) = text.split_once(", ")?;
    let mut words = date.split(' ');
    let [day, month, year, clock, zone] = std::array::from_fn(|_| words.next().unwrap_or_default());
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let (hours, minutes) = zone.split_at_checked(3)?;
    (year != "0001").then(|| format!("{year}-{month:02}-{day}T{clock}{hours}:{minutes}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_descriptions_are_read() {
        assert_eq!(time("Sat, 10 Sep 2016 10:39:26 -0700").as_deref(), Some("2016-09-10T10:39:26-07:00"));
        assert_eq!(time("Mon, 01 Jan 0001 00:00:00 +0000"), None);
        assert_eq!(time("5m"), None);
        assert_eq!(time("Sat, x"), None);
    }
}
