//! `kit`

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use azs_backup::envelope::KeyFacts;
use azs_backup::layout::Deployment;
use azs_backup::set::SetState;
use azs_backup::signature::SignerCertificate;
use azs_backup::{Error, ErrorKind, Result, list_sets};
use clap::Args;
use openssl::sha::sha256;
use serde::Serialize;

use crate::ended::Ended;
use crate::output::Output;
use crate::post_quantum::BY_HAND;
use crate::share::ServerArgs;
use crate::signers::TrustArgs;

mod page;

/// Write a recovery stick: a folder with all that restores a set, except for the set and its PFX.
///
/// It holds this program, scripts that restore a set without it, an independent reader, which PFX the sets need, and a
/// page to print. Keep it elsewhere than on the share, and make it anew when the certificate changes.
#[derive(Args)]
pub(crate) struct Kit {
    /// The folder, which must not exist yet
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// A program to put there: azs-backup for another system [default: this program]
    #[arg(long, value_name = "FILE")]
    program: Vec<PathBuf>,
    /// The share: its UNC path, or the folder at which it is mounted
    #[arg(long, value_name = "ROOT", env = "AZS_ROOT")]
    root: PathBuf,
    /// External domain name and region: contoso.com/nyc
    #[arg(long, env = "AZS_DEPLOYMENT")]
    deployment: Deployment,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

/// What every kit has, whatever the system.
const FILES: [(&str, &str); 3] = [
    ("recover.sh", include_str!("../../kit/recover.sh")),
    ("recover.ps1", include_str!("../../kit/recover.ps1")),
    ("read_set.py", include_str!("../../kit/read_set.py")),
];

/// A certificate that opens sets: what people know it by, and the newest set of each place that it opens.
#[derive(Serialize)]
struct Needed {
    sha1_thumbprint: String,
    subject: String,
    key: KeyFacts,
    not_after: String,
    newest: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Made {
    folder: PathBuf,
    files: Vec<String>,
    certificates: Vec<Needed>,
}

impl Kit {
    pub(crate) fn run(self, output: &Output) -> Result<Ended> {
        // First what may fail.
        let signers = self.trust.read()?;
        let certificates = self.certificates(&signers, output)?;
        let mut files = Vec::new();
        for program in self.programs()? {
            let name = program.file_name().map(|name| name.to_string_lossy().into_owned());
            let taken = |name: &String| files.iter().any(|(taken, _)| taken == name);
            let name = name.filter(|name| !taken(name)).ok_or_else(|| {
                let message = format!("{}: two programs of a kit need two names", program.display());
                Error::new(ErrorKind::InvalidArgument, message)
            })?;
            let content =
                fs::read(&program).map_err(|e| Error::io(format_args!("read {}", program.display()), e))?;
            files.push((name, content));
        }
        let programs = files.len();
        let names = files.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
        let page = page::page(
            &self.deployment,
            &self.root,
            &self.server,
            &certificates,
            &names,
            !signers.is_empty(),
        );
        for (at, signer) in signers.iter().enumerate() {
            files.push((format!("signer-{}.cer", at + 1), signer.to_der()?));
        }
        files.extend(FILES.map(|(name, text)| (name.to_owned(), text.into())));
        files.push(("README.html".into(), page.into_bytes()));
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let sums: String =
            files.iter().map(|(name, bytes)| format!("{}  {name}\n", hex(&sha256(bytes)))).collect();
        files.push(("SHA256SUMS".into(), sums.into_bytes()));

        let failed = |path: &Path, e| Error::io(format_args!("write {}", path.display()), e);
        fs::create_dir(&self.folder).map_err(|e| match e.kind() {
            std::io::ErrorKind::AlreadyExists => {
                let message = format!("{} exists: a kit takes a new folder", self.folder.display());
                Error::new(ErrorKind::AlreadyExists, message).with_source(e)
            }
            _ => failed(&self.folder, e),
        })?;
        for (at, (name, bytes)) in files.iter().enumerate() {
            let path = self.folder.join(name);
            fs::write(&path, bytes).map_err(|e| failed(&path, e))?;
            if at < programs || name == "recover.sh" || name == "read_set.py" {
                executable(&path).map_err(|e| failed(&path, e))?;
            }
        }
        let warned = self.program.is_empty() && !RUNS_ANYWHERE;
        if warned {
            output.warn(
                "this program runs only where the C library is as new as here; \
                 name the static one by --program, and that for Windows, too",
            );
        }
        let files = files.into_iter().map(|(name, _)| name).collect();
        let made = Made { folder: self.folder, files, certificates };
        output.print(&made, || made.text())?;
        Ok(Ended::named(made.certificates.is_empty()))
    }

    fn programs(&self) -> Result<Vec<PathBuf>> {
        if !self.program.is_empty() {
            return Ok(self.program.clone());
        }
        let own = std::env::current_exe().map_err(|e| Error::io("find this program", e))?;
        // In the packages of other languages it is their interpreter.
        if own.file_stem().is_some_and(|name| name == "azs-backup") {
            return Ok(vec![own]);
        }
        let message = "this program is part of a package: name one that stands alone by --program";
        Err(Error::new(ErrorKind::InvalidArgument, message))
    }

    /// What opens the complete sets: also those of before a rotation.
    fn certificates(&self, signers: &[SignerCertificate], output: &Output) -> Result<Vec<Needed>> {
        let share = self.server.open(&self.root, output)?;
        let sets = list_sets(share, &self.deployment).require_signers(signers).run()?;
        let mut needed: BTreeMap<String, Needed> = BTreeMap::new();
        // Of each place from old to new.
        for set in sets.iter() {
            let SetState::Complete { cover } = &set.state else { continue };
            for certificate in &cover.certificates {
                let thumbprint = certificate.sha1_thumbprint.clone();
                let needed = needed.entry(thumbprint.clone()).or_insert_with(|| Needed {
                    sha1_thumbprint: thumbprint,
                    subject: certificate.subject.clone(),
                    key: certificate.key.clone(),
                    not_after: certificate.not_after.strftime("%Y-%m-%d").to_string(),
                    newest: BTreeMap::new(),
                });
                needed.newest.insert(set.place.to_string(), set.name.to_string());
            }
        }
        Ok(needed.into_values().collect())
    }
}

impl Made {
    fn text(&self) -> String {
        let mut text = format!("{}: {}\n", self.folder.display(), self.files.join(", "));
        if self.certificates.is_empty() {
            text += "no complete set is on the share: which PFX is needed is not known\n";
        }
        for Needed { sha1_thumbprint, subject, newest, .. } in &self.certificates {
            text +=
                &format!("needs the PFX with the thumbprint {sha1_thumbprint} ({subject}), which opens\n");
            newest.iter().for_each(|(place, set)| text += &format!("  {place}/{set}\n"));
        }
        if self.certificates.iter().any(|needed| needed.key.is_post_quantum()) {
            text += &format!("without the program, {BY_HAND}\n");
        }
        text + "print README.html; keep the PFX and its password elsewhere\n"
    }
}

/// Whether this program needs nothing of the system that it runs on.
const RUNS_ANYWHERE: bool = cfg!(any(target_env = "musl", windows));

#[cfg(unix)]
fn executable(file: &Path) -> std::io::Result<()> {
    fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o755))
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps)]
fn executable(_: &Path) -> std::io::Result<()> {
    Ok(())
}
