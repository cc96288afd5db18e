//! Headers of records: the attributes of CloudEvents in binary mode.

use rdkafka::message::{Header, OwnedHeaders};

/// The media type of Avro data, as the Kafka binding of CloudEvents carries it.
const CONTENT_TYPE: &str = "avro/binary";

/// What a record says about itself beside its key and value. Promises are kept on keys and values alone.
///
/// `id` is the record's place of origin: topic, partition, offset of the input and a count, or the fact's own id.
pub(crate) fn cloud_event(id: &str, kind: &str, source: &str) -> OwnedHeaders {
    let pairs = [
        ("ce_specversion", "1.0"),
        ("ce_id", id),
        ("ce_type", kind),
        ("ce_source", source),
        ("content-type", CONTENT_TYPE),
    ];
    pairs.into_iter().fold(OwnedHeaders::new_with_capacity(pairs.len()), |headers, (key, value)| {
        headers.insert(Header { key, value: Some(value) })
    })
}
