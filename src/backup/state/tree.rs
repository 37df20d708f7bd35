//! The tree of the last run: one [`Node`] for each entry, source by source, in the order of the walk.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use openssl::sha::Sha256;
use serde::{Deserialize, Serialize};

use super::node::{Input, Node, bytes, number};
use crate::set::Digest;

/// What the manifest says about a tree.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(in crate::backup) struct TreeFile {
    pub(super) name: String,
    /// Number of nodes.
    count: u64,
    /// Bytes of nodes; the tables follow.
    nodes: u64,
    length: u64,
    digest: Digest,
}

/// Writes a tree.
pub(in crate::backup) struct TreeWriter {
    name: String,
    file: BufWriter<tempfile::NamedTempFile>,
    hasher: Sha256,
    written: u64,
    count: u64,
    /// Where each source begins.
    sources: Vec<(Vec<u8>, u64)>,
    /// Files that hard links and copies lead to.
    targets: HashSet<Vec<u8>>,
}

impl TreeWriter {
    pub(super) fn create(folder: &Path, name: String) -> io::Result<Self> {
        let file = BufWriter::with_capacity(256 << 10, tempfile::NamedTempFile::new_in(folder)?);
        Ok(Self {
            name,
            file,
            hasher: Sha256::new(),
            written: 0,
            count: 0,
            sources: Vec::new(),
            targets: HashSet::new(),
        })
    }

    /// Adds a node in its printed form.
    pub(in crate::backup) fn add(&mut self, node: &Node, printed: &[u8]) -> io::Result<()> {
        self.count += 1;
        if node.depth == 0 {
            self.sources.push((node.name.clone(), self.written));
        }
        if let Some(target) = node.target()
            && !self.targets.contains(target)
        {
            self.targets.insert(target.to_vec());
        }
        self.write(printed)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.written += bytes.len() as u64;
        self.file.write_all(bytes)
    }

    /// Moves the tree to its place.
    pub(in crate::backup) fn finish(mut self, folder: &Path) -> io::Result<TreeFile> {
        let nodes = self.written;
        let mut tables = Vec::new();
        number(&mut tables, self.sources.len() as u64);
        for (name, at) in &self.sources {
            bytes(&mut tables, name);
            number(&mut tables, *at);
        }
        number(&mut tables, self.targets.len() as u64);
        for target in &self.targets {
            bytes(&mut tables, target);
        }
        self.write(&tables)?;
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_data()?;
        file.persist(folder.join(&self.name))?;
        let digest = Digest::from_bytes(self.hasher.finish());
        Ok(TreeFile { name: self.name, count: self.count, nodes, length: self.written, digest })
    }
}

/// Reads a tree, source by source.
pub(in crate::backup) struct TreeReader {
    file: File,
    /// Sources that nobody asked for yet, and where they begin.
    pub(in crate::backup) sources: HashMap<Vec<u8>, u64>,
    /// Files that hard links and copies lead to.
    pub(in crate::backup) targets: HashSet<Vec<u8>>,
    /// Number of nodes.
    pub(in crate::backup) count: u64,
    nodes: u64,
    buffer: Vec<u8>,
    /// Where in the file the buffer begins, and how much of it is read.
    start: u64,
    at: usize,
    /// The node ahead, and its length in bytes; 0 if the source has no more nodes.
    ahead: Node,
    length: usize,
}

impl TreeReader {
    /// Opens a tree if it is whole.
    pub(super) fn open(folder: &Path, tree: &TreeFile) -> io::Result<Self> {
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "it is damaged");
        let mut file = File::open(folder.join(&tree.name))?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 256 << 10];
        let mut tables = Vec::new();
        let mut read = 0;
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            let nodes = usize::try_from(tree.nodes.saturating_sub(read)).unwrap_or(count).min(count);
            tables.extend_from_slice(&buffer[nodes..count]);
            read += count as u64;
            if read > tree.length {
                return Err(damaged());
            }
        }
        if Digest::from_bytes(hasher.finish()) != tree.digest {
            return Err(damaged());
        }
        let mut input = Input(&tables);
        let mut parse = || -> Option<_> {
            let mut sources = HashMap::new();
            for _ in 0..input.number()? {
                let mut name = Vec::new();
                input.bytes(&mut name)?;
                sources.insert(name, input.number()?);
            }
            let mut targets = HashSet::new();
            for _ in 0..input.number()? {
                let mut target = Vec::new();
                input.bytes(&mut target)?;
                targets.insert(target);
            }
            Some((sources, targets))
        };
        let (sources, targets) = parse().ok_or_else(damaged)?;
        buffer.clear();
        Ok(Self {
            file,
            sources,
            targets,
            count: tree.count,
            nodes: tree.nodes,
            buffer,
            start: 0,
            at: 0,
            ahead: Node::default(),
            length: 0,
        })
    }

    /// Moves to a source; returns whether the last run had one of this name. Each can be read once.
    pub(in crate::backup) fn begin(&mut self, source: &[u8]) -> io::Result<bool> {
        self.length = 0;
        let Some(at) = self.sources.remove(source) else { return Ok(false) };
        let end = self.start + self.buffer.len() as u64;
        if (self.start..end).contains(&at) {
            self.at = (at - self.start) as usize;
        } else {
            self.start = at;
            self.at = 0;
            self.buffer.clear();
        }
        self.read()?;
        Ok(self.length > 0)
    }

    /// Returns the node ahead, if the source has one.
    pub(in crate::backup) fn peek(&self) -> Option<&Node> {
        (self.length > 0).then_some(&self.ahead)
    }

    /// Returns the printed form of the node ahead.
    pub(in crate::backup) fn printed(&self) -> &[u8] {
        &self.buffer[self.at..self.at + self.length]
    }

    /// Moves to the next node of the source.
    pub(in crate::backup) fn advance(&mut self) -> io::Result<()> {
        self.at += self.length;
        self.read()?;
        if self.length > 0 && self.ahead.depth == 0 {
            self.length = 0;
        }
        Ok(())
    }

    fn read(&mut self) -> io::Result<()> {
        self.length = 0;
        loop {
            if let Some(length) = self.ahead.parse(&self.buffer[self.at..]) {
                self.length = length;
                return Ok(());
            }
            // The buffer ends within the node, or there are no more.
            self.start += self.at as u64;
            self.buffer.drain(..self.at);
            self.at = 0;
            let from = self.start + self.buffer.len() as u64;
            let wanted = self.nodes.saturating_sub(from).min(256 << 10);
            if wanted == 0 {
                if self.buffer.is_empty() {
                    return Ok(());
                }
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the state's tree ends in a node"));
            }
            self.file.seek(SeekFrom::Start(from))?;
            let old = self.buffer.len();
            self.buffer.resize(old + wanted as usize, 0);
            self.file.read_exact(&mut self.buffer[old..])?;
        }
    }
}
