//! File systems that a test mounts for itself.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// A separate file system, if this process may mount one.
pub struct Mounted(pub PathBuf);

impl Mounted {
    pub fn new(arguments: &[&str], at: PathBuf) -> Option<Self> {
        fs::create_dir(&at).unwrap();
        let mounted = Command::new("mount").args(arguments).arg(&at).output();
        mounted.is_ok_and(|done| done.status.success()).then_some(Self(at))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}
