//! Archives of a journal: Avro object container files.

use bellbuoy_core::fact::Fact;
use bellbuoy_wire::archive::{ArchiveReader, ArchiveWriter};

/// Any bytes as an archive. Reading it ends, and what was read can be archived again.
pub(crate) fn archive(data: &[u8]) {
    let Ok(mut reader) = ArchiveReader::new(data) else { return };
    let scopes = reader.scopes().to_vec();
    let mut facts = Vec::new();
    let mut errors = 0;
    for item in reader.by_ref() {
        match item {
            Ok(fact) => facts.push(fact),
            Err(error) => {
                errors += 1;
                assert!(error.to_string().len() < 4_096, "{error}");
            }
        }
    }
    assert!(errors <= data.len(), "{errors} errors in {} bytes", data.len());
    let mut writer = ArchiveWriter::new(Vec::new(), &scopes).expect("memory takes every byte");
    facts.iter().for_each(|fact| writer.append(fact).expect("memory takes every byte"));
    let bytes = writer.finish().expect("memory takes every byte");
    let reader = ArchiveReader::new(bytes.as_slice()).expect("what was written can be read");
    assert_eq!(reader.scopes(), scopes);
    let again: Vec<Fact> = reader.map(|item| item.expect("what was written can be read")).collect();
    assert_eq!(again, facts);
}
