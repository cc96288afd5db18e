//! The value of a changelog row: the format of the stage's tables, then the row's image.

/// Writes a row's value.
pub(crate) fn encode(format: u16, image: &[u8]) -> Vec<u8> {
    [&format.to_be_bytes()[..], image].concat()
}

/// Reads a row's value: the format of its tables and its image.
pub(crate) fn decode(value: &[u8]) -> Result<(u16, &[u8]), String> {
    let (format, image) = value.split_first_chunk::<2>().ok_or_else(|| "a row without its format".to_owned())?;
    Ok((u16::from_be_bytes(*format), image))
}
