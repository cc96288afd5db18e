//! What people record, and the facts that come of it; what cannot be used, and the words for it.

mod recordings {
    mod alerts;
    mod arbitrary;
    mod bad;
    mod envelopes;
    mod events;
    mod objects;
    mod particulars;
    mod specs;
    mod support;
    mod times;
}
