//! The part of a buffer that can be read as text, found out once for all pieces in it.

/// The part of a buffer that is known to be UTF-8.
#[derive(Default)]
pub(super) struct Utf8<'b> {
    from: usize,
    text: Option<&'b str>,
}

impl<'b> Utf8<'b> {
    /// What is UTF-8 from a position on; nothing where the position lies behind what is not. Positions come in order.
    pub(super) fn behind(&mut self, buffer: &'b [u8], begin: usize) -> Option<&'b str> {
        let text = match self.text {
            Some(text) => text,
            None => {
                self.from = begin;
                let bytes = &buffer[begin..];
                let valid =
                    std::str::from_utf8(bytes).or_else(|error| std::str::from_utf8(&bytes[..error.valid_up_to()]));
                *self.text.insert(valid.unwrap_or_default())
            }
        };
        text.get(begin - self.from..)
    }
}
