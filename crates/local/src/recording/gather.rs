//! Reads all sources once: decodes, counts, and keeps every report.

use crate::recording::readers::{Part, Readers};
use crate::recording::report::Report;
use crate::recording::source::{self, Contents, Found};
use crate::recording::spool::{Entry, Spool};
use crate::recording::{Error, Options, Progress, STDIN, object_key};
use bellbuoy_core::fact::{Body, Fact, FactId};
use bellbuoy_core::object::Scope;
use bellbuoy_core::time::Time;
use bellbuoy_wire::archive::{ArchiveError, ArchiveReader};
use bellbuoy_wire::recording::draft::Manner;
use bellbuoy_wire::recording::{Census, Decoder, Draft, Ignored, Item, Reason, Rejected};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 256 << 10;

/// Clusters that a recording may have: alerts name them in a label.
const SCOPES_MAX: usize = 1_000;

/// Dumped objects that are told apart. Beyond it, a dump that holds an object twice reports it twice.
const DUMPED_OBJECTS_MAX: usize = 4_000_000;

/// What all sources held.
pub(super) struct Gathered {
    pub(super) spool: Spool,
    pub(super) census: Census,
    pub(super) dumped: Dumped,
    pub(super) report: Report,
    /// Where journals of our own end.
    pub(super) ended: BTreeMap<Scope, Time>,
}

/// The last dump of each object.
#[derive(Debug, Default)]
pub(super) struct Dumped(HashMap<FactId, u64>);

impl Dumped {
    fn is_dump(draft: &Draft) -> bool {
        draft.manner == Manner::Dumped && matches!(draft.body, Body::Object(_)) && draft.arrival().is_none()
    }

    fn note(&mut self, number: u64, draft: &Draft) {
        if Self::is_dump(draft) && self.0.len() < DUMPED_OBJECTS_MAX {
            self.0.insert(object_key(draft), number);
        }
    }

    /// Whether a later dump replaces this one.
    pub(super) fn is_replaced(&self, number: u64, draft: &Draft) -> bool {
        Self::is_dump(draft) && self.0.get(&object_key(draft)).is_some_and(|last| *last > number)
    }
}

/// Reads all sources.
pub(super) fn gather(
    sources: &[std::path::PathBuf],
    options: &Options,
    memory_bytes_max: usize,
    progress: &mut dyn FnMut(Progress),
) -> Result<Gathered, Error> {
    let mut unreadable = Vec::new();
    let found = source::find(sources, &mut unreadable)?;
    let total = found.iter().map(|found| found.bytes).sum::<Option<u64>>();
    let gathered = Gathered {
        spool: Spool::new(memory_bytes_max),
        census: Census::default(),
        dumped: Dumped::default(),
        report: Report::default(),
        ended: BTreeMap::new(),
    };
    let (scope, readers) = (Scope::cluster(&options.cluster), Readers::default());
    let mut gatherer = Gatherer { gathered, scope, readers, bytes: 0, written: None, total, progress };
    for (path, why) in unreadable {
        gatherer.gathered.report.skip(&path.display().to_string().into(), &why);
    }
    for found in found {
        gatherer.file(&found)?;
    }
    gatherer.tell();
    Ok(gatherer.gathered)
}

struct Gatherer<'g> {
    gathered: Gathered,
    scope: Scope,
    readers: Readers,
    /// Bytes read so far, as they lie on disk.
    bytes: u64,
    /// When the file that is read was written.
    written: Option<Time>,
    total: Option<u64>,
    progress: &'g mut dyn FnMut(Progress),
}

/// Counts the bytes of a file while they are read.
struct Counted<R> {
    inner: R,
    bytes: std::rc::Rc<std::cell::Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes.set(self.bytes.get() + read as u64);
        Ok(read)
    }
}

impl Gatherer<'_> {
    fn tell(&mut self) {
        (self.progress)(Progress::Reading { bytes: self.bytes, total: self.total });
    }

    fn file(&mut self, found: &Found) -> Result<(), Error> {
        let name: Arc<str> = match found.path == Path::new(STDIN) {
            true => "standard input".into(),
            false => found.path.display().to_string().into(),
        };
        let opened = match source::open(&found.path) {
            Ok(opened) => opened,
            Err(error) if found.named => return Err(Error::open(&found.path, error)),
            Err(error) => {
                self.gathered.report.skip(&name, &error.to_string());
                return Ok(());
            }
        };
        self.written = source::written(&found.path);
        let before = self.bytes;
        let bytes = std::rc::Rc::new(std::cell::Cell::new(0));
        let counted = Counted { inner: opened, bytes: bytes.clone() };
        let count = || before + bytes.get();
        let read = match source::unpack(counted) {
            Ok(contents) => self.contents(contents, &name, found.named, &count),
            Err(error) => {
                self.broken(&name, 0, &error);
                Ok(())
            }
        };
        // What was not read of a foreign file counts as read, so that the bar reaches its end.
        self.bytes = found.bytes.map_or_else(count, |bytes| before + bytes);
        self.tell();
        read
    }

    fn contents(
        &mut self,
        contents: Contents<'_>,
        name: &Arc<str>,
        named: bool,
        count: &dyn Fn() -> u64,
    ) -> Result<(), Error> {
        match contents {
            Contents::Plain(input) => self.plain(input, name, named, count),
            Contents::Journal(input) => self.journal(input, name, count),
            Contents::Tar(input) => self.tar(input, name, count),
        }
    }

    /// A stream that breaks off: what came before it stands.
    fn broken(&mut self, name: &Arc<str>, offset: u64, error: &std::io::Error) {
        let detail = format!("reading stopped after {offset} bytes: {error}; expected the rest of the file");
        let rejected = Rejected { line: 0, offset, reason: Reason::Truncated, detail, excerpt: Vec::new() };
        self.gathered.report.reject(name, rejected);
    }

    fn tar(&mut self, input: Box<dyn Read + '_>, name: &Arc<str>, count: &dyn Fn() -> u64) -> Result<(), Error> {
        let mut archive = tar::Archive::new(input);
        let members = match archive.entries() {
            Ok(members) => members,
            Err(error) => {
                self.broken(name, 0, &error);
                return Ok(());
            }
        };
        for member in members {
            let member = match member {
                Ok(member) => member,
                Err(error) => {
                    // Without its header the next member cannot be found.
                    self.broken(name, 0, &error);
                    break;
                }
            };
            if !member.header().entry_type().is_file() {
                continue;
            }
            let path = String::from_utf8_lossy(&member.path_bytes()).into_owned();
            self.written = member.header().mtime().ok().and_then(source::of_epoch);
            let name: Arc<str> = format!("{name}!{path}").into();
            match source::unpack(member) {
                Ok(Contents::Tar(_)) => self.gathered.report.skip(&name, "an archive within an archive"),
                Ok(contents) => self.contents(contents, &name, false, count)?,
                Err(error) => self.broken(&name, 0, &error),
            }
        }
        Ok(())
    }

    fn journal(&mut self, input: Box<dyn Read + '_>, name: &Arc<str>, count: &dyn Fn() -> u64) -> Result<(), Error> {
        let reject = |report: &mut Report, error: &ArchiveError| {
            let reason = match error {
                ArchiveError::Truncated { .. } | ArchiveError::Io { .. } => Reason::Truncated,
                _ => Reason::Malformed,
            };
            let detail = error.to_string();
            report.reject(name, Rejected { line: 0, offset: 0, reason, detail, excerpt: Vec::new() });
        };
        let facts = match ArchiveReader::new(input) {
            Ok(facts) => facts,
            Err(error) => {
                reject(&mut self.gathered.report, &error);
                return Ok(());
            }
        };
        self.gathered.report.sources += 1;
        for (number, fact) in facts.enumerate() {
            match fact {
                Ok(fact) => self.fact(fact)?,
                Err(error) => reject(&mut self.gathered.report, &error),
            }
            if number.is_multiple_of(4096) {
                self.bytes = count();
                self.tell();
            }
        }
        Ok(())
    }

    fn fact(&mut self, fact: Fact) -> Result<(), Error> {
        let gathered = &mut self.gathered;
        gathered.census.count_settled(&fact);
        if let Body::EndOfRecording = fact.body {
            // The recording as a whole ends once.
            let ended = gathered.ended.entry(fact.scope).or_insert(fact.observed_at);
            *ended = fact.observed_at.max(*ended);
            return Ok(());
        }
        gathered.spool.push(Entry::Fact(Box::new(fact)))
    }

    fn plain(
        &mut self,
        mut input: Box<dyn Read + '_>,
        name: &Arc<str>,
        named: bool,
        count: &dyn Fn() -> u64,
    ) -> Result<(), Error> {
        let report = &mut self.gathered.report;
        let stream = u32::try_from(report.names.len()).unwrap_or(u32::MAX);
        let mut decoder = Decoder::new(self.scope.clone());
        let mut holds = Holds::default();
        let mut failed = Ok(());
        let mut spare: Vec<Vec<u8>> = Vec::new();
        // Parts are taken in one after the other; threads read what lies ahead of the one that is.
        let mut parts: VecDeque<Part> = VecDeque::new();
        let (mut bytes, mut bytes_ahead, mut is_over) = (0_u64, 0_u64, false);
        loop {
            let parts_max = decoder.layout().map_or(1, |_| self.readers.parts_max().max(1));
            while !is_over && parts.len() < parts_max {
                let mut chunk = spare.pop().unwrap_or_else(|| vec![0; CHUNK_BYTES]);
                match input.read(&mut chunk) {
                    Ok(0) => is_over = true,
                    Ok(read) => {
                        chunk.truncate(read);
                        parts.push_back(self.readers.read(decoder.layout(), &self.scope, chunk, bytes_ahead));
                        bytes_ahead += read as u64;
                    }
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    Err(error) => {
                        self.broken(name, bytes_ahead, &error);
                        is_over = true;
                    }
                }
            }
            let Some(part) = parts.pop_front() else { break };
            bytes += part.bytes.len() as u64;
            let gathered = &mut self.gathered;
            decoder.feed_ahead(&part.bytes, part.ahead(), |item| {
                take(item, gathered, stream, &mut holds, &mut failed);
            });
            std::mem::replace(&mut failed, Ok(()))?;
            spare.extend(Arc::into_inner(part.bytes).map(|mut chunk| {
                chunk.resize(CHUNK_BYTES, 0);
                chunk
            }));
            if decoder.is_hopeless() {
                break;
            }
            self.bytes = count();
            self.tell();
        }
        let gathered = &mut self.gathered;
        decoder.finish(|item| take(item, gathered, stream, &mut holds, &mut failed));
        failed?;
        if let Some(written) = self.written.filter(|_| holds.tells_ages) {
            gathered.census.note_written(written);
        }
        let report = &mut self.gathered.report;
        report.bytes += bytes;
        if let Some(foreign) = decoder.foreign() {
            let manifests = holds.ignored.contains_key(&Ignored::Manifest);
            report.skip(name, if manifests { Ignored::Manifest.as_str() } else { foreign });
            if !named {
                return Ok(());
            }
        } else {
            report.sources += 1;
        }
        report.names.push(name.clone());
        for (ignored, count) in holds.ignored {
            *report.ignored.entry(ignored).or_default() += count;
        }
        for (reason, count) in holds.rejected {
            *report.rejected.entry(reason).or_default() += count;
        }
        let room = super::REJECTIONS_SHOWN.saturating_sub(report.rejections.len());
        let shown = holds.rejections.into_iter().take(room);
        report.rejections.extend(shown.map(|rejected| super::Rejection { source: name.clone(), rejected }));
        Ok(())
    }
}

/// What one source has held beside reports. Counts of foreign files are dropped with them.
#[derive(Default)]
struct Holds {
    ignored: BTreeMap<Ignored, u64>,
    rejected: BTreeMap<Reason, u64>,
    rejections: Vec<Rejected>,
    /// Whether it says how long ago something was, and not when.
    tells_ages: bool,
}

impl Holds {
    fn reject(&mut self, rejected: Rejected) {
        *self.rejected.entry(rejected.reason).or_default() += 1;
        if self.rejections.len() < super::REJECTIONS_SHOWN {
            self.rejections.push(rejected);
        }
    }
}

fn take(item: Item, gathered: &mut Gathered, stream: u32, holds: &mut Holds, failed: &mut Result<(), Error>) {
    match item {
        Item::Ignored(ignored) => *holds.ignored.entry(ignored).or_default() += 1,
        Item::Rejected(rejected) => holds.reject(rejected),
        Item::Draft(draft) => {
            if !gathered.census.knows(&draft.scope) && gathered.census.scopes() >= SCOPES_MAX {
                return holds.reject(Rejected {
                    line: draft.line,
                    offset: draft.offset,
                    reason: Reason::TooManyScopes,
                    detail: format!("label cluster is {:?}; expected at most {SCOPES_MAX} clusters", draft.scope.0),
                    excerpt: Vec::new(),
                });
            }
            holds.tells_ages |= !draft.ages.is_empty();
            gathered.census.count(&draft);
            gathered.dumped.note(gathered.spool.len(), &draft);
            if let Err(error) = gathered.spool.push(Entry::Draft { stream, draft }) {
                *failed = Err(error);
            }
        }
    }
}
