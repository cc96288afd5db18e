//! The configuration of this process: the file that was named, over the annotated default.

use anyhow::Context;
use bellbuoy_wire::rules::Config;
use std::path::Path;

/// Reads the configuration.
///
/// # Errors
/// When the file cannot be read, or says what it must not; with file, line and what would have been right.
pub(crate) fn load(file: Option<&Path>) -> anyhow::Result<Config> {
    let Some(file) = file else { return Ok(Config::default()) };
    let text = std::fs::read(file).with_context(|| format!("failed to read the configuration {}", file.display()))?;
    let text =
        String::from_utf8(text).with_context(|| format!("the configuration {} is not UTF-8 text", file.display()))?;
    Ok(Config::load(&text, &file.display().to_string())?)
}
