//! Avro data: one codec per topic, which writes the newest version of the topic's schema and reads every version.
//!
//! Serde drives both directions without a value tree between: that path measured four to five times faster.

pub(crate) mod twin;

use apache_avro::rabin::Rabin;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use apache_avro::{Schema, from_value};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, Read};

/// The longest text or byte string, and the largest unpacked block of an archive, that a reader makes room for:
/// 32 MiB, far above the largest record that a broker takes by default (1 MiB).
pub const ALLOCATION_BYTES_MAX: usize = 32 << 20;

/// How much of an Avro library's complaint is passed on: its messages print whole schemas.
const REASON_CHARS_MAX: usize = 300;

/// The two bytes that every single-object encoding begins with.
const MARKER: [u8; 2] = [0xC3, 0x01];

/// The marker and the fingerprint.
const HEADER_BYTES: usize = 10;

/// Why bytes could not be read as a record.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bytes do not begin as single-object encoding does.
    #[error("expected Avro single-object encoding (bytes c3 01 and a schema fingerprint), found {found:02x?}")]
    NotSingleObject {
        /// The first bytes, at most 10.
        found: Vec<u8>,
    },
    /// The schema is none of ours.
    #[error("unknown schema fingerprint {fingerprint:016x}: written by a newer version?")]
    UnknownSchema {
        /// The CRC-64-AVRO fingerprint.
        fingerprint: u64,
    },
    /// The bytes do not fit the schema.
    #[error("{reason}")]
    Malformed {
        /// What did not fit.
        reason: String,
    },
}

impl Error {
    /// A complaint, shortened.
    fn malformed(complaint: impl ToString) -> Self {
        let complaint = complaint.to_string();
        let reason = match complaint.char_indices().nth(REASON_CHARS_MAX) {
            Some((at, _)) => format!("{}…", &complaint[..at]),
            None => complaint,
        };
        Self::Malformed { reason }
    }
}

/// Writes the newest version of a schema and reads all of them.
pub(crate) struct Codec {
    schema_text: String,
    header: [u8; HEADER_BYTES],
    writer: GenericDatumWriter<'static>,
    /// All known versions, the newest last.
    versions: Vec<Version>,
}

/// A version of a schema that may have written what is read.
struct Version {
    fingerprint: u64,
    reader: GenericDatumReader<'static>,
    is_newest: bool,
}

impl Codec {
    /// A codec for the versions of a schema, the newest last.
    ///
    /// # Panics
    /// When a schema is not valid, which the tests of this crate rule out for those that are compiled in.
    #[expect(clippy::expect_used, reason = "the schemas are compiled in, and a test builds every codec")]
    pub(crate) fn new(texts: &[&str]) -> Self {
        apache_avro::util::max_allocation_bytes(ALLOCATION_BYTES_MAX);
        // Readers and writers borrow their schema. A codec lives as long as the process, and so does its schema.
        let schemas: Vec<&'static Schema> = texts
            .iter()
            .map(|text| &*Box::leak(Box::new(Schema::parse_str(text).expect("a compiled-in schema is valid"))))
            .collect();
        let newest: &'static Schema = schemas.last().expect("a topic has a schema");
        let last = schemas.len() - 1;
        let versions = schemas.iter().enumerate().map(|(at, schema)| {
            let older_than = (at < last).then_some(newest);
            let reader = GenericDatumReader::builder(schema).maybe_reader_schema(older_than).build();
            let reader = reader.expect("a compiled-in schema names no unknown type");
            Version { fingerprint: fingerprint(schema), reader, is_newest: at == last }
        });
        let writer = GenericDatumWriter::builder(newest).build();
        let mut header = [0; HEADER_BYTES];
        header[..2].copy_from_slice(&MARKER);
        header[2..].copy_from_slice(&fingerprint(newest).to_le_bytes());
        Self {
            schema_text: texts.last().copied().unwrap_or_default().to_owned(),
            header,
            writer: writer.expect("a compiled-in schema names no unknown type"),
            versions: versions.collect(),
        }
    }

    /// The newest version of the schema, as JSON.
    pub(crate) fn schema_text(&self) -> &str {
        &self.schema_text
    }

    /// Whether a version of the schema has this fingerprint.
    pub(crate) fn knows(&self, fingerprint: u64) -> bool {
        self.versions.iter().any(|version| version.fingerprint == fingerprint)
    }

    /// What every record of the newest version begins with in single-object encoding.
    pub(crate) fn header(&self) -> &[u8] {
        &self.header
    }

    /// A record in single-object encoding.
    pub(crate) fn encode(&self, record: &impl Serialize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(512);
        bytes.extend_from_slice(&self.header);
        self.write(record, &mut bytes);
        bytes
    }

    /// Appends a record without a header.
    #[expect(clippy::expect_used, reason = "a vector takes every byte, and round trips hold each twin to its schema")]
    pub(crate) fn write(&self, record: &impl Serialize, bytes: &mut Vec<u8>) {
        self.writer.write_ser(bytes, record).expect("a twin has the fields of its schema");
    }

    /// Reads a record in single-object encoding, written by any version.
    pub(crate) fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Error> {
        let Some((header, mut datum)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
            return Err(Error::NotSingleObject { found: bytes.to_vec() });
        };
        let [first, second, fingerprint @ ..] = *header;
        if [first, second] != MARKER {
            return Err(Error::NotSingleObject { found: header.to_vec() });
        }
        let record = self.read(u64::from_le_bytes(fingerprint), &mut datum)?;
        match datum.len() {
            0 => Ok(record),
            rest => Err(Error::malformed(format!("expected the record's end, found {rest} more bytes"))),
        }
    }

    /// Reads a record without a header from the front of `datum`, written by the version with this fingerprint.
    pub(crate) fn read<T: DeserializeOwned>(&self, fingerprint: u64, datum: &mut &[u8]) -> Result<T, Error> {
        let version = self.versions.iter().rev().find(|version| version.fingerprint == fingerprint);
        let version = version.ok_or(Error::UnknownSchema { fingerprint })?;
        match version.is_newest {
            true => version.reader.read_deser(datum).map_err(Error::malformed),
            // The serde path of the library does not resolve schemas: an older version takes the way over a value tree.
            false => {
                let mut exact = Exact { bytes: datum, ran_out: false };
                let value = version.reader.read_value(&mut exact).map_err(Error::malformed)?;
                if exact.ran_out {
                    return Err(Error::malformed("expected more bytes, found the record's end"));
                }
                *datum = exact.bytes;
                from_value(&value).map_err(Error::malformed)
            }
        }
    }
}

/// Bytes that remember whether they were too few: the library takes nothing for null where a union should begin.
struct Exact<'a> {
    bytes: &'a [u8],
    ran_out: bool,
}

impl Read for Exact<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.ran_out |= self.bytes.len() < buffer.len();
        self.bytes.read(buffer)
    }
}

/// The CRC-64-AVRO fingerprint of a schema's canonical form.
pub fn fingerprint(schema: &Schema) -> u64 {
    let digest = schema.fingerprint::<Rabin>().bytes;
    digest.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::avro::twin::{By, Own};
    use crate::journal::{JournalFact, SCHEMAS};
    use bellbuoy_core::fact::{Body, Fact, Source};
    use bellbuoy_core::object::{ObjectRef, Scope};
    use bellbuoy_core::report::{AlertReport, Container, ObjectReport};
    use bellbuoy_core::time::{Interval, Time};

    fn fact(body: Body) -> Fact {
        let (object, occurred) = (ObjectRef::new("Pod", "shop", "cart"), Interval { from: Time(-1), to: Time(1) });
        let fact = Fact::new(Scope::cluster("prod"), Source::Objects, object, occurred, Time(2), body);
        Fact { sequence: 7, ..fact }
    }

    fn pod() -> Fact {
        let labels = vec![("app".into(), "cart".into()), ("alpha".into(), "".into())];
        let containers = vec![Container { restarts: 4, last: Some(Default::default()), ..Container::default() }];
        fact(Body::Object(Box::new(ObjectReport { labels, containers, ..ObjectReport::default() })))
    }

    fn decode(codec: &Codec, bytes: &[u8]) -> Result<Fact, Error> {
        codec.decode::<Own<JournalFact>>(bytes).map(|own| own.0)
    }

    /// The newest schema of the journal without one field of its record: an older version.
    fn without(field: &str) -> String {
        let newest = SCHEMAS.last().copied().unwrap_or_default();
        let mut schema: serde_json::Value = serde_json::from_str(newest).expect("a schema is JSON");
        let fields = schema["fields"].as_array_mut().expect("a record has fields");
        fields.retain(|definition| definition["name"] != field);
        schema.to_string()
    }

    /// Bytes as a process with this older schema writes them.
    fn written_by(older: &str, fact: &Fact) -> Vec<u8> {
        let newest = Schema::parse_str(SCHEMAS.last().copied().unwrap_or_default()).expect("the newest schema");
        let older = Schema::parse_str(older).expect("an older schema");
        let bytes = Codec::new(SCHEMAS).encode(&By::<JournalFact>(fact));
        let reader = GenericDatumReader::builder(&newest).reader_schema(&older).build().expect("a reader");
        let value = reader.read_value(&mut &bytes[HEADER_BYTES..]).expect("the newest resolves to the older");
        let datum = GenericDatumWriter::builder(&older).build().expect("a writer").write_value_to_vec(value);
        [&MARKER[..], &fingerprint(&older).to_le_bytes(), &datum.expect("a datum of the older schema")].concat()
    }

    #[test]
    fn an_older_version_is_read_with_the_defaults_of_the_newest() {
        let older = without("sequence");
        let codec = Codec::new(&[&[older.as_str()], SCHEMAS].concat());
        for fact in [pod(), fact(Body::Alert(AlertReport::default())), fact(Body::EndOfRecording)] {
            let read = decode(&codec, &written_by(&older, &fact)).expect("an older version is known");
            assert_eq!(read, Fact { sequence: 0, ..fact.clone() });
            let newest = decode(&codec, &codec.encode(&By::<JournalFact>(&fact))).expect("the newest version is known");
            assert_eq!(newest, fact);
        }
    }

    #[test]
    fn a_field_that_the_newest_version_lacks_is_passed_over() {
        let older = SCHEMAS[0].replacen(
            r#"{"name": "scope","#,
            r#"{"name": "gone", "type": {"type": "array", "items": "string"}, "default": []}, {"name": "scope","#,
            1,
        );
        assert_ne!(older, SCHEMAS[0]);
        let codec = Codec::new(&[&[older.as_str()], SCHEMAS].concat());
        assert_eq!(decode(&codec, &written_by(&older, &pod())).expect("an older version is known"), pod());
    }

    #[test]
    fn a_version_that_is_not_known_is_an_error() {
        let older = without("sequence");
        let error = decode(&Codec::new(SCHEMAS), &written_by(&older, &pod())).expect_err("an unknown version");
        let expect = fingerprint(&Schema::parse_str(&older).expect("an older schema"));
        assert!(matches!(error, Error::UnknownSchema { fingerprint } if fingerprint == expect), "{error}");
    }

    #[test]
    fn an_older_version_that_is_damaged_is_an_error() {
        let older = without("sequence");
        let codec = Codec::new(&[&[older.as_str()], SCHEMAS].concat());
        let bytes = written_by(&older, &pod());
        for end in 0..bytes.len() {
            assert!(decode(&codec, &bytes[..end]).is_err(), "{end} of {} bytes", bytes.len());
        }
    }
}
