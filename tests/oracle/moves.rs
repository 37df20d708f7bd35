//! Random changes to a tree on disk: what people, programs and accidents do between two nights.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::content::{BLOCK, SMALL, content, name};
use super::rng::Rng;
use super::system;
use crate::common::noise;

/// No file grows beyond this: many runs a second.
const MOST: u64 = 7 << 20;

/// A hand that changes a tree.
pub struct Mover {
    pub root: PathBuf,
    pub rng: Rng,
    /// What it did, for whoever has to find out what went wrong.
    pub log: Vec<String>,
    /// Files that it wrote to.
    pub recent: Vec<PathBuf>,
    /// Whether large files are rare: many worlds are to be seen in a second.
    pub is_light: bool,
    /// Sees each state of the tree in the middle of a move, which a backup that runs meanwhile may see, too.
    pub witness: Option<Witness>,
}

/// Notes how a tree is now.
pub type Witness = Box<dyn FnMut() + Send>;

impl Mover {
    pub fn new(root: &Path, rng: Rng) -> Self {
        Self {
            root: root.to_owned(),
            rng,
            log: Vec::new(),
            recent: Vec::new(),
            is_light: false,
            witness: None,
        }
    }

    /// The same, right behind another hand.
    pub fn among(mut self, other: &mut Self) -> Self {
        self.recent = std::mem::take(&mut other.recent);
        self.is_light = other.is_light;
        self
    }

    /// So many moves; one that cannot be made is no move.
    pub fn make(&mut self, moves: usize) {
        for _ in 0..moves {
            match self.one() {
                Ok(line) => self.log.push(line),
                Err(error) => self.log.push(format!("(not done: {error})")),
            }
        }
    }

    /// A file that was written to a moment ago goes or gets another name, as a log does that is rotated.
    pub fn rotate(&mut self) -> io::Result<String> {
        let path = self.rng.pick(&self.recent).ok_or_else(|| io::Error::other("nothing new"))?.clone();
        if self.rng.chance(50) {
            fs::remove_file(&path)?;
            return Ok(format!("rotate away {}", self.shown(&path)));
        }
        let mut to = path.clone().into_os_string();
        to.push(".1");
        fs::rename(&path, to)?;
        Ok(format!("rotate {}", self.shown(&path)))
    }

    fn one(&mut self) -> io::Result<String> {
        match self.rng.below(31) {
            0..=4 => self.write(),
            5 | 6 => self.edit(),
            7 => self.resize(),
            8 => self.touch_back(),
            9 | 10 => self.delete(),
            11 | 12 => self.rename(),
            13 => self.folder(),
            14 | 15 => self.link(),
            16 | 17 => self.hard_link(),
            18 | 19 => self.copy(),
            20 | 21 => self.replace_by_another_kind(),
            22 => self.holes(),
            23 => self.mode(),
            24 => self.times(),
            25 => self.attribute(),
            26 => self.other_case(),
            27 => self.owner(),
            28 => self.folder_becomes_file_of_two_names(),
            29 => self.large_file_goes(),
            _ => self.replace_by_rename(),
        }
    }

    /// After a step of a move.
    pub fn step(&mut self) {
        self.witness.iter_mut().for_each(|witness| witness());
    }

    /// Writes a new file: at first it is empty.
    fn put(&mut self, path: &Path, content: &[u8]) -> io::Result<()> {
        let mut file = File::create(path)?;
        self.step();
        file.write_all(content)
    }

    /// Everything below the root: files, folders (the root among them), links.
    fn all(&self) -> (Vec<PathBuf>, Vec<PathBuf>, Vec<PathBuf>) {
        let (mut files, mut folders, mut links) = (Vec::new(), vec![self.root.clone()], Vec::new());
        let mut next = 0;
        while let Some(folder) = folders.get(next).cloned() {
            next += 1;
            let Ok(items) = fs::read_dir(folder) else { continue };
            let mut paths: Vec<_> = items.flatten().map(|item| item.path()).collect();
            // The order of a folder is the file system's; that of the moves is the seed's.
            paths.sort();
            for path in paths {
                match fs::symlink_metadata(&path) {
                    Ok(m) if m.is_dir() => folders.push(path),
                    Ok(m) if m.is_symlink() => links.push(path),
                    Ok(_) => files.push(path),
                    Err(_) => {}
                }
            }
        }
        (files, folders, links)
    }

    fn a_file(&mut self) -> io::Result<PathBuf> {
        let files = self.all().0;
        self.rng.pick(&files).cloned().ok_or_else(|| io::Error::other("no file"))
    }

    /// A folder that is not the root.
    fn a_folder(&mut self) -> io::Result<PathBuf> {
        let folders = self.all().1;
        self.rng.pick(&folders[1..]).cloned().ok_or_else(|| io::Error::other("no folder"))
    }

    /// A name in some folder: often one that is taken, or was.
    fn a_name(&mut self) -> PathBuf {
        let folders = self.all().1;
        let folder = self.rng.pick(&folders).expect("the root is there").clone();
        folder.join(system::os_name(&name(&mut self.rng)))
    }

    fn a_free_name(&mut self) -> io::Result<PathBuf> {
        let path = self.a_name();
        if fs::symlink_metadata(&path).is_ok() {
            return Err(io::Error::other("taken"));
        }
        Ok(path)
    }

    fn write(&mut self) -> io::Result<String> {
        let path = self.a_name();
        if fs::symlink_metadata(&path).is_ok_and(|m| m.is_dir()) {
            return Err(io::Error::other("a folder"));
        }
        let content = self.content();
        let _ = fs::remove_file(&path);
        self.step();
        self.put(&path, &content)?;
        self.recent.push(path.clone());
        if self.rng.chance(20) {
            self.step();
            self.set_time(&path)?;
        }
        Ok(format!("write {} {} bytes", self.shown(&path), content.len()))
    }

    fn edit(&mut self) -> io::Result<String> {
        let path = self.a_file()?;
        let length = fs::metadata(&path)?.len();
        let file = File::options().write(true).open(&path)?;
        let from = self.rng.below(length as usize) as u64;
        let most = if self.rng.chance(30) { 200_000 } else { 100 };
        let count = 1 + self.rng.below(most);
        let count = count.min((length - from.min(length)) as usize);
        let bytes = if self.rng.chance(30) { vec![0; count] } else { noise(self.rng.next(), count) };
        system::write_all_at(&file, &bytes, from)?;
        self.recent.push(path.clone());
        Ok(format!("edit {} {count} bytes at {from}", self.shown(&path)))
    }

    fn resize(&mut self) -> io::Result<String> {
        let path = self.a_file()?;
        let old = fs::metadata(&path)?.len();
        let file = File::options().write(true).open(&path)?;
        let length = match self.rng.below(4) {
            0 => self.rng.below(old as usize + 1) as u64,
            1 => old + self.rng.below(200_000) as u64,
            2 => old / BLOCK * BLOCK,
            _ if self.is_light => old + 1,
            _ => SMALL - 1 + self.rng.below(3) as u64,
        };
        file.set_len(length.min(MOST))?;
        if length > old && self.rng.chance(50) {
            self.step();
            system::write_all_at(&file, b"the end", length.min(MOST) - 1)?;
        }
        Ok(format!("resize {} {old} to {length}", self.shown(&path)))
    }

    /// Other content, same size, same time.
    fn touch_back(&mut self) -> io::Result<String> {
        let path = self.a_file()?;
        let m = fs::metadata(&path)?;
        let file = File::options().write(true).open(&path)?;
        let length = m.len().min(100) as usize;
        system::write_all_at(&file, &noise(self.rng.next(), length), 0)?;
        self.step();
        file.set_modified(m.modified()?)?;
        Ok(format!("touch back {}", self.shown(&path)))
    }

    fn delete(&mut self) -> io::Result<String> {
        let (files, folders, links) = self.all();
        if self.rng.chance(25)
            && let Some(folder) = self.rng.pick(&folders[1..])
        {
            system::remove_all(folder)?;
            return Ok(format!("delete folder {}", self.shown(folder)));
        }
        let all: Vec<_> = files.into_iter().chain(links).collect();
        let path = self.rng.pick(&all).ok_or_else(|| io::Error::other("nothing to delete"))?;
        fs::remove_file(path)?;
        Ok(format!("delete {}", self.shown(path)))
    }

    fn rename(&mut self) -> io::Result<String> {
        let (files, folders, links) = self.all();
        let all: Vec<_> = files.into_iter().chain(links).chain(folders.into_iter().skip(1)).collect();
        let from = self.rng.pick(&all).ok_or_else(|| io::Error::other("nothing to rename"))?.clone();
        let to = self.a_free_name()?;
        fs::rename(&from, &to)?;
        Ok(format!("rename {} to {}", self.shown(&from), self.shown(&to)))
    }

    fn folder(&mut self) -> io::Result<String> {
        let path = self.a_free_name()?;
        fs::create_dir(&path)?;
        if self.rng.chance(60) {
            self.step();
            let content = self.content();
            self.put(&path.join("inside"), &content)?;
        }
        Ok(format!("folder {}", self.shown(&path)))
    }

    fn link(&mut self) -> io::Result<String> {
        let path = self.a_free_name()?;
        let to = *self
            .rng
            .pick(&["n1", "../n2", "..", ".", "/nowhere", "n2/n3", "../../..", "a\nb", "/etc"])
            .expect("not empty");
        system::symlink(to, &path)?;
        Ok(format!("link {} to {to:?}", self.shown(&path)))
    }

    fn hard_link(&mut self) -> io::Result<String> {
        let from = self.a_file()?;
        let to = self.a_free_name()?;
        fs::hard_link(&from, &to)?;
        Ok(format!("hard link {} to {}", self.shown(&to), self.shown(&from)))
    }

    fn copy(&mut self) -> io::Result<String> {
        let from = self.a_file()?;
        let to = self.a_free_name()?;
        let (content, permissions) = (fs::read(&from)?, fs::metadata(&from)?.permissions());
        self.put(&to, &content)?;
        self.step();
        fs::set_permissions(&to, permissions)?;
        Ok(format!("copy {} to {}", self.shown(&from), self.shown(&to)))
    }

    fn replace_by_another_kind(&mut self) -> io::Result<String> {
        let (files, folders, links) = self.all();
        let all: Vec<_> = files.into_iter().chain(links).chain(folders.into_iter().skip(1)).collect();
        let path = self.rng.pick(&all).ok_or_else(|| io::Error::other("nothing there"))?.clone();
        let was_folder = fs::symlink_metadata(&path)?.is_dir();
        if was_folder {
            system::remove_all(&path)?
        } else {
            fs::remove_file(&path)?
        }
        self.step();
        let now = match self.rng.below(3) {
            0 => system::symlink("..", &path).map(|()| "a link")?,
            1 if !was_folder => {
                fs::create_dir(&path)?;
                self.step();
                let content = self.content();
                self.put(&path.join("below"), &content)?;
                "a folder"
            }
            _ => {
                let content = self.content();
                self.put(&path, &content).map(|()| "a file")?
            }
        };
        Ok(format!("{} is {now} now", self.shown(&path)))
    }

    /// A folder with content gives way to a file that has a second name behind it in the order of names.
    fn folder_becomes_file_of_two_names(&mut self) -> io::Result<String> {
        let path = self.a_folder()?;
        system::remove_all(&path)?;
        self.step();
        let content = noise(self.rng.next(), 1 + self.rng.below(5000));
        self.put(&path, &content)?;
        self.step();
        let mut second = path.clone().into_os_string();
        second.push("~2");
        fs::hard_link(&path, &second)?;
        Ok(format!("{} is a file of two names now", self.shown(&path)))
    }

    fn large_file_goes(&mut self) -> io::Result<String> {
        let mut files = self.all().0;
        files.retain(|path| fs::metadata(path).is_ok_and(|m| m.len() > SMALL));
        let path = self.rng.pick(&files).ok_or_else(|| io::Error::other("no large file"))?;
        fs::remove_file(path)?;
        Ok(format!("delete large {}", self.shown(path)))
    }

    /// As editors save: a new file takes the name of an old one.
    fn replace_by_rename(&mut self) -> io::Result<String> {
        let path = self.a_file()?;
        let new = self.root.join(".save");
        let content = self.content();
        self.put(&new, &content)?;
        self.step();
        fs::rename(&new, &path)?;
        Ok(format!("save {}", self.shown(&path)))
    }

    fn holes(&mut self) -> io::Result<String> {
        let path = self.a_free_name()?;
        let file = File::create(&path)?;
        let most = if self.is_light { 300_000 } else { 5 << 20 };
        let length = 1 + self.rng.below(most) as u64;
        self.step();
        file.set_len(length)?;
        for _ in 0..self.rng.below(4) {
            self.step();
            let from = self.rng.below(length as usize) as u64;
            system::write_all_at(&file, &noise(self.rng.next(), 1 + self.rng.below(5000)), from)?;
        }
        Ok(format!("holes {} of {length}", self.shown(&path)))
    }

    fn mode(&mut self) -> io::Result<String> {
        let (files, folders, _) = self.all();
        let path = if self.rng.chance(30) { self.rng.pick(&folders[1..]) } else { self.rng.pick(&files) };
        let path = path.ok_or_else(|| io::Error::other("nothing there"))?.clone();
        let mode = system::change_mode(&path, &mut self.rng)?;
        Ok(format!("mode {} {mode}", self.shown(&path)))
    }

    fn times(&mut self) -> io::Result<String> {
        let (files, folders, _) = self.all();
        let path = if self.rng.chance(30) { self.rng.pick(&folders[1..]) } else { self.rng.pick(&files) };
        let path = path.ok_or_else(|| io::Error::other("nothing there"))?.clone();
        self.set_time(&path)?;
        Ok(format!("time {}", self.shown(&path)))
    }

    fn set_time(&mut self, path: &Path) -> io::Result<()> {
        let seconds = self.rng.below(2_000_000_000) as u64;
        let nanoseconds = if self.rng.chance(50) { 0 } else { self.rng.below(1_000_000_000) as u32 };
        let time = SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds);
        system::set_time(path, time)
    }

    fn attribute(&mut self) -> io::Result<String> {
        let (files, folders, _) = self.all();
        let path = if self.rng.chance(30) { self.rng.pick(&folders) } else { self.rng.pick(&files) };
        let path = path.ok_or_else(|| io::Error::other("nothing there"))?;
        let value = noise(self.rng.next(), self.rng.below(300));
        system::set_attribute(path, &value)?;
        Ok(format!("attribute {}", self.shown(path)))
    }

    /// The same name in other case beside it.
    fn other_case(&mut self) -> io::Result<String> {
        let path = self.a_file()?;
        let name = system::bytes(path.file_name().unwrap_or_default());
        let other: Vec<u8> = name
            .iter()
            .map(|b| if b.is_ascii_lowercase() { b.to_ascii_uppercase() } else { b.to_ascii_lowercase() })
            .collect();
        let to = path.with_file_name(system::os_name(&other));
        if fs::symlink_metadata(&to).is_ok() {
            return Err(io::Error::other("taken"));
        }
        let content = self.content();
        self.put(&to, &content)?;
        Ok(format!("other case {}", self.shown(&to)))
    }

    fn owner(&mut self) -> io::Result<String> {
        let path = self.a_file()?;
        let owner = system::change_owner(&path, &mut self.rng)?;
        Ok(format!("owner {} {owner}", self.shown(&path)))
    }

    fn content(&mut self) -> Vec<u8> {
        let mut content = content(&mut self.rng);
        if self.is_light && content.len() > 100_000 && !self.rng.chance(15) {
            content.truncate(content.len() % 6000);
        }
        content
    }

    fn shown(&self, path: &Path) -> String {
        super::model::shown(&system::bytes(path.strip_prefix(&self.root).unwrap_or(path).as_os_str()))
    }
}
