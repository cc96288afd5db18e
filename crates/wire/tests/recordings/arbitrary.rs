//! Whatever comes, nothing panics, and the layout of chunks decides nothing.

use super::support::read_in_chunks;
use proptest::prelude::*;

const SEEDS: [&str; 4] = [
    r#"{"kind":"EventList","items":[{"kind":"Event","reason":"R","involvedObject":{"kind":"Node","name":"w1"},"lastTimestamp":"2026-11-21T10:00:00Z","count":3},{"kind":"Event"}]}"#,
    "{\n  \"kind\": \"PodList\",\n  \"items\": [\n    {\n      \"metadata\": {\"name\": \"a\", \"uid\": \"u\"},\n      \"spec\": {\"containers\": [{\"name\": \"c\"}]},\n      \"status\": {\"phase\": \"Running\"}\n    }\n  ]\n}\n",
    "{\"type\":\"ADDED\",\"time\":\"2026-11-21T10:00:00Z\",\"object\":{\"kind\":\"Node\",\"metadata\":{\"name\":\"w\"}}}\n{\"alerts\":[{\"status\":\"firing\",\"labels\":{\"alertname\":\"A\"},\"startsAt\":\"2026-11-21T10:00:00Z\"}]}\n",
    "---\n# {\"time\":\"2026-11-21T10:00:00Z\"}\nkind: Event\nreason: R\nmetadata:\n  namespace: n\n---\nitems:\n- kind: Pod\n  metadata: {name: a, uid: u}\n- kind: Node\nkind: List\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2_000), size in 1_usize..300) {
        read_in_chunks(&bytes, None, size);
    }

    #[test]
    fn brackets_and_quotes_do_not_panic(
        text in proptest::collection::vec(prop::sample::select(vec!["{", "}", "[", "]", "\"", "\\", ":", ",", "\n", " ", "null", "1", "\"items\":", "\"alerts\":[", "\"kind\":\"PodList\"", "\"object\":"]), 0..200),
        size in 1_usize..50,
    ) {
        let text = text.concat();
        let whole = read_in_chunks(text.as_bytes(), None, usize::MAX);
        let parts = read_in_chunks(text.as_bytes(), None, size);
        prop_assert_eq!(whole.facts, parts.facts);
        prop_assert_eq!(whole.rejected.len(), parts.rejected.len());
    }

    #[test]
    fn mutations_do_not_panic_and_chunks_do_not_matter(
        seed in 0..SEEDS.len(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6),
        size in 1_usize..100,
    ) {
        let mut bytes = SEEDS[seed].as_bytes().to_vec();
        for (at, byte, kind) in edits {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => { bytes.remove(at); }
            }
        }
        let whole = read_in_chunks(&bytes, None, usize::MAX);
        let parts = read_in_chunks(&bytes, None, size);
        prop_assert_eq!(whole.facts, parts.facts);
        prop_assert_eq!(whole.ignored, parts.ignored);
        let named = |read: &[bellbuoy_wire::recording::Rejected]| read.iter().map(|r| (r.line, r.offset, r.reason)).collect::<Vec<_>>();
        prop_assert_eq!(named(&whole.rejected), named(&parts.rejected));
    }
}
