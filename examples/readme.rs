//! The program that the README shows; a test holds them against each other, and runs this one.

use std::path::Path;
use std::sync::Arc;

use azs_backup::{
    BackupBuilder, Component, DecryptionCertificate, Deployment, EncryptionCertificate, FolderShare, Opener,
    Place, RestoreOptions, Set, no_progress, restore, verify_full,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Backing up takes the public certificate, and the folder at which the share is mounted. `SmbShare` takes a UNC path.
    let share = Arc::new(FolderShare::open("share")?);
    let place = Place::new(Deployment::new("contoso.com", "nyc")?, Component::Switches);
    let certificate = EncryptionCertificate::load("backup.cer")?;

    let mut backup = BackupBuilder::new(share.clone(), place)
        .certificate(certificate)
        .label("model", "S4148-ON")
        .start()?;
    backup.add_bytes("tor1/running-config", "hostname tor1\n".as_bytes())?;
    backup.add_folder("switch-configs")?;
    let report = backup.commit()?;
    println!("{:?}: {}", report.cover.status, report.folder);

    // Verifying and restoring take the PFX, on another machine, on another day.
    let password = std::env::var("AZS_PFX_PASSWORD")?;
    let pfx = DecryptionCertificate::load("backup.pfx", Some(&password))?;
    let opener = Opener::new(pfx);
    let set = Set::open(share, report.folder)?;
    verify_full(&set, &opener, &mut no_progress)?.into_result()?;
    let options = RestoreOptions::default().pattern("tor1/");
    restore(&set, &opener, Path::new("restored"), &options, &mut no_progress)?;
    Ok(())
}
