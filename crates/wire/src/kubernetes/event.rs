//! Events of core/v1 and of events.k8s.io/v1: one report for both.

use crate::kubernetes::object::reference;
use crate::kubernetes::raw::{RawEmitter, RawPiece, RawSeries};
use crate::lenient::{Str, capped_once, count};
use crate::recording::field::Field;
use crate::recording::times::Times;
use bellbuoy_core::object::ObjectRef;
use bellbuoy_core::report::EventReport;

/// Whether this is an Event. Items of lists carry no kind, and some support archives keep a few fields only.
pub(crate) fn is_event(piece: &RawPiece<'_>, kind: &str) -> bool {
    match kind {
        "Event" => true,
        "" => {
            piece.involved_object.is_some()
                || piece.regarding.is_some()
                || (!piece.reason.is_empty()
                    && [&piece.last_timestamp, &piece.event_time, &piece.first_timestamp]
                        .iter()
                        .any(|time| !time.as_str().is_empty()))
        }
        _ => false,
    }
}

/// Reads an Event; nothing where it does not say what it is about.
///
/// The times of the report itself are set once the recording is known to its end.
pub(crate) fn read(piece: &RawPiece<'_>, times: &mut Times) -> Option<(ObjectRef, EventReport)> {
    times.observed(Field::EventFirst, &piece.first_timestamp);
    times.observed(Field::EventFirst, &piece.deprecated_first_timestamp);
    times.observed(Field::EventLast, &piece.last_timestamp);
    times.observed(Field::EventLast, &piece.deprecated_last_timestamp);
    let no_series = RawSeries::default();
    let series = piece.series.as_ref().unwrap_or(&no_series);
    times.observed(Field::EventSeries, &series.last_observed_time);
    times.observed(Field::EventTime, &piece.event_time);
    times.observed(Field::Creation, &piece.metadata.creation_timestamp);

    let subject = piece.involved_object.as_ref().or(piece.regarding.as_ref());
    let object = match subject {
        Some(subject) if !subject.name.is_empty() => {
            let uid = Some(subject.uid.as_str()).filter(|uid| is_uid(uid)).unwrap_or_default();
            reference(subject.kind.as_str(), subject.namespace.as_str(), subject.name.as_str(), uid)
        }
        // A compact event: the namespace is all that is known of its object.
        _ => {
            let namespaces = [&piece.namespace, &piece.metadata.namespace];
            let namespace = namespaces.into_iter().find(|namespace| !namespace.is_empty())?;
            reference("Namespace", "", namespace.as_str(), "")
        }
    };

    let emitter = piece.source.or(piece.deprecated_source);
    let emitter = emitter.and_then(|raw| serde_json::from_str::<RawEmitter<'_>>(raw.get()).ok()).unwrap_or_default();
    let emitter = piece.parts.emitter.as_ref().unwrap_or(&emitter);
    let first_of = |texts: [&Str<'_>; 3]| texts.into_iter().find(|text| !text.is_empty()).map(Str::text);
    let message = if piece.message.is_empty() { &piece.note } else { &piece.message };
    let no_text = Str::default();
    let report = EventReport {
        uid: capped_once(piece.metadata.uid.as_str()),
        reason: piece.reason.text(),
        message: message.text(),
        kind: piece.type_name.text(),
        component: first_of([&piece.reporting_controller, &piece.reporting_component, &emitter.component])
            .unwrap_or_default(),
        host: first_of([&emitter.host, &piece.reporting_instance, &no_text]).unwrap_or_default(),
        field_path: subject.map_or_else(Default::default, |subject| subject.field_path.text()),
        repeats: count(piece.count.max(piece.deprecated_count).max(series.count)).max(1),
        first_at: None,
        last_at: None,
        is_first: false,
    };
    Some((object, report))
}

/// Whether text looks like the uid of an object: kubelets write node names there, and hashes of static pods' files.
fn is_uid(text: &str) -> bool {
    let dashes = [8, 13, 18, 23];
    let fits = |(position, byte): (usize, u8)| match dashes.contains(&position) {
        true => byte == b'-',
        false => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(fits)
}
