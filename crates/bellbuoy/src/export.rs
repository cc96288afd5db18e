//! `export`: writes a journal to an archive, an Avro object container file.

use crate::cli::ExportArgs;
use crate::input::Input;
use crate::reading::Reading;
use crate::report::wording;
use crate::style::Style;
use crate::{exit, output};
use anyhow::{Context, bail};
use bellbuoy_core::object::Scope;
use bellbuoy_wire::archive::ArchiveWriter;
use bellbuoy_wire::rules::Config;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;

/// Runs an export.
///
/// # Errors
/// When the input cannot be read or the archive not be written.
pub(crate) fn run(args: &ExportArgs, config: &Config) -> anyhow::Result<exit::Code> {
    let input = Input::of_either(&args.from, args.data_dir.as_deref(), config)?;
    if args.output.as_os_str() == "-" {
        let (out, summary) = write(&input, output::stdout())?;
        drop(out);
        return summary.tell("standard output", args.strict);
    }
    if args.output.exists() && !args.force {
        bail!("{} exists: name another --output, or say --force to overwrite it", args.output.display());
    }
    // Written beside its place and moved there whole: what has the name of an archive is one.
    let folder = args.output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = || format!("failed to write {}", args.output.display());
    let scratch = tempfile::Builder::new().prefix(".bellbuoy-export-").tempfile_in(folder).with_context(failed)?;
    let (out, summary) = write(&input, BufWriter::new(scratch))?;
    let scratch = out.into_inner().map_err(|error| error.into_error()).with_context(failed)?;
    scratch.as_file().sync_all().with_context(failed)?;
    let file: File = scratch.persist(&args.output).map_err(|error| error.error).with_context(failed)?;
    drop(file);
    summary.tell(&args.output.display().to_string(), args.strict)
}

/// What was exported.
struct Summary {
    facts: u64,
    scopes: usize,
    reading: Reading,
}

/// Reads twice: an archive names its clusters before its facts.
fn write<W: Write>(input: &Input, out: W) -> anyhow::Result<(W, Summary)> {
    let mut scopes: BTreeSet<Scope> = BTreeSet::new();
    input.read("looking for clusters", |fact, _| {
        if !scopes.contains(&fact.scope) {
            scopes.insert(fact.scope);
        }
        Ok(ControlFlow::Continue(()))
    })?;
    let scopes: Vec<_> = scopes.into_iter().collect();
    let mut archive = ArchiveWriter::new(out, &scopes)?;
    let mut facts = 0;
    let reading = input.read("exporting", |fact, _| {
        archive.append(&fact)?;
        facts += 1;
        Ok(ControlFlow::Continue(()))
    })?;
    let mut out = archive.finish()?;
    out.flush()?;
    Ok((out, Summary { facts, scopes: scopes.len(), reading }))
}

impl Summary {
    fn tell(&self, place: &str, strict: bool) -> anyhow::Result<exit::Code> {
        let mut out = std::io::stderr().lock();
        self.reading.explain(&mut out, Style::of(&std::io::stderr()))?;
        let facts = wording::counted(self.facts, "fact", "facts");
        let clusters = wording::counted(self.scopes as u64, "cluster", "clusters");
        writeln!(out, "exported {facts} of {clusters} to {place}")?;
        Ok(if strict && self.reading.rejected > 0 { exit::Code::Rejected } else { exit::Code::Done })
    }
}
