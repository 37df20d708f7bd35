//! The program that the README shows; a test compares the two, and runs this one.

use std::sync::Arc;

use azs_backup::{Backup, DecryptionCertificate, EncryptionCertificate, FolderShare, Opener, Place, Set};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Backing up takes the public certificate, and the folder at which the share is mounted. `SmbShare` takes a UNC path.
    let share = Arc::new(FolderShare::open("share")?);
    let place: Place = "contoso.com/nyc/Switches".parse()?;
    let certificate = EncryptionCertificate::load("backup.cer")?;

    let mut backup =
        Backup::builder(share.clone(), place).certificate(certificate).label("model", "S4148-ON").start()?;
    backup.add_bytes("tor1/running-config", "hostname tor1\n".as_bytes())?;
    backup.add_folder("switch-configs")?;
    let report = backup.commit()?;
    println!("{:?}: {}", report.cover.status, report.folder);

    // Verifying and restoring take the PFX, on another machine, on another day.
    let password = std::env::var("AZS_PFX_PASSWORD")?;
    let pfx = DecryptionCertificate::load("backup.pfx", Some(&password))?;
    let opener = Opener::new(pfx);
    let set = Set::open(share, report.folder)?;
    set.verify_full(&opener).run()?.into_result()?;
    set.restore(&opener).pattern("tor1/").into("restored")?;
    Ok(())
}
