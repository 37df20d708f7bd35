//! `cat`

use std::io::{self, Write};

use azs_backup::Result;
use azs_backup::set::EntryPath;
use clap::Args;

use crate::certificates::KeyArgs;
use crate::ended::Ended;
use crate::output::{Output, invalid};
use crate::progress;
use crate::share::SetArgs;

/// Write one file of a set to stdout.
///
/// Nothing comes out before the whole file is known to be authentic.
#[derive(Args)]
pub(crate) struct Cat {
    #[command(flatten)]
    set: SetArgs,
    /// Path of the file in the set: tor1/running-config
    path: String,
    #[command(flatten)]
    key: KeyArgs,
    /// Use the set's encrypted index, if backup.json or SHA256SUMS is damaged or gone
    #[arg(long, conflicts_with = "place")]
    by_index: bool,
}

impl Cat {
    pub(crate) fn run(self, output: &Output) -> Result<Ended> {
        if output.json {
            return Err(invalid("cat writes the file itself: it has no --json"));
        }
        let path = EntryPath::new(&*self.path)?;
        let opener = self.key.opener()?;
        let signers = self.set.signers()?;
        let set =
            if self.by_index { self.set.open_by_index(&opener, output)? } else { self.set.open(output)? };
        let mut observer = progress::observer(output, "cat");
        let mut stdout = Stdout { is_closed: false };
        let work = set.restore_stream(&opener, &path).require_signers(&signers);
        let written = work.observer(&mut observer).to(&mut stdout);
        // Whoever reads has seen enough, like `head`.
        if !stdout.is_closed {
            written?;
        }
        Ok(Ended::Whole)
    }
}

/// stdout, which may be a pipe that is closed early.
struct Stdout {
    is_closed: bool,
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = io::stdout().lock().write(bytes);
        self.is_closed = written.as_ref().is_err_and(|e| e.kind() == io::ErrorKind::BrokenPipe);
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().lock().flush()
    }
}
