//! `key`: certificates, as an operator makes, looks at and tries them.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use azs_backup::envelope::{CertificateFacts, Sealer};
use azs_backup::layout::Deployment;
use azs_backup::set::SetSummary;
use azs_backup::signature::SignerCertificate;
use azs_backup::{
    DecryptionCertificate, EncryptionCertificate, Error, ErrorKind, Opener, Result, Set, list_sets,
};
use clap::{Args, Subcommand};
use jiff::Timestamp;
use openssl::x509::extension::KeyUsage;
use serde::Serialize;

use self::made::{Kind, Made, Readers, make};
use crate::certificates::KeyArgs;
use crate::ended::Ended;
use crate::files::read;
use crate::output::{Output, age, invalid};
use crate::progress;
use crate::secret::PfxPassword;
use crate::share::{ShareArgs, is_ahead};
use crate::signers::TrustArgs;

mod made;

/// Make, show and try certificates.
#[derive(Args)]
pub(crate) struct Key {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    New(New),
    Show(Show),
    Drill(Box<Drill>),
}

impl Key {
    pub(crate) fn run(self, output: &Output) -> Result<Ended> {
        match self.command {
            Command::New(command) => command.run(output),
            Command::Show(command) => command.run(output),
            Command::Drill(command) => command.run(output),
        }
    }
}

/// Make a certificate: NAME.cer encrypts and goes to each host that backs up; NAME.pfx decrypts.
///
/// Keep the PFX and its password apart from each other and from the hosts that back up, in two safe places. Who loses
/// them loses every set that the certificate encrypts. With --signs it is the other way round: NAME.pfx stays on the host
/// that signs its sets, and NAME.cer goes to whoever reads them.
#[derive(Args)]
struct New {
    /// Name of the certificate, and of its files
    #[arg(default_value = "azs-backup")]
    name: String,
    /// Folder for the two files
    #[arg(long, value_name = "DIR", default_value = ".")]
    into: PathBuf,
    /// For how many days backups may be made with it; it opens them for ever
    #[arg(long, value_name = "N", default_value_t = 1095, value_parser = clap::value_parser!(u32).range(1..=9125))]
    days: u32,
    /// Kind of its key. A set is post-quantum only if all of its certificates are: each opens it alone
    #[arg(long, value_enum, default_value_t = Kind::Rsa)]
    kind: Kind,
    /// Make one that signs sets, and encrypts nothing
    #[arg(long)]
    signs: bool,
    #[command(flatten)]
    password: PfxPassword,
}

#[derive(Serialize)]
struct NewKey<'a> {
    cer: &'a Path,
    pfx: &'a Path,
    certificate: &'a CertificateFacts,
    /// Only if none was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
}

impl New {
    fn run(self, output: &Output) -> Result<Ended> {
        let given = self.password.read()?;
        // A command that was to print the password and failed leaves an empty one: whoever finds the PFX could open it.
        if given.as_ref().is_some_and(|password| password.is_empty()) {
            return Err(invalid("the password of the PFX is empty; give none at all, and one is drawn"));
        }
        let is_name = !self.name.is_empty() && self.name.chars().count() <= 64;
        if !is_name || self.name.chars().any(|c| c.is_control() || "/\\".contains(c)) {
            return Err(invalid(format_args!(
                "{:?} is no name of a certificate: 1 to 64 characters, none of them / or \\",
                self.name
            )));
        }
        if self.signs && !matches!(self.kind, Kind::Rsa) {
            return Err(invalid("a key of ML-KEM signs nothing: give --signs without --kind"));
        }
        if [".cer", ".pfx"].iter().any(|end| self.name.to_ascii_lowercase().ends_with(end)) {
            return Err(invalid(format_args!("{}: name it without .cer and .pfx", self.name)));
        }
        let given_text = given.as_ref().map(|text| text.as_str());
        let Made { cer, pfx, password } =
            make(&self.name, self.kind, self.days, &mut self.usage(), given_text)?;
        let [cer_file, pfx_file] = ["cer", "pfx"].map(|kind| self.into.join(format!("{}.{kind}", self.name)));
        let facts = match self.signs {
            true => SignerCertificate::from_cer(&cer)?.facts().clone(),
            false => try_out(&cer, &pfx, &password)?,
        };
        made::write_new(&pfx_file, &pfx, Readers::Owner)?;
        made::write_new(&cer_file, &cer, Readers::Everybody)?;
        let new = NewKey {
            cer: &cer_file,
            pfx: &pfx_file,
            certificate: &facts,
            password: given.is_none().then_some(password.as_str()),
        };
        output.print(&new, || new.text(self.signs))?;
        Ok(Ended::Whole)
    }

    /// What the key is for (RFC 5280 §4.2.1.3).
    fn usage(&self) -> KeyUsage {
        let mut usage = KeyUsage::new();
        match (self.signs, self.kind) {
            (true, _) => usage.digital_signature(),
            (false, Kind::Rsa) => usage.key_encipherment().data_encipherment(),
            // Nothing else is allowed (RFC 9935 §5).
            (false, Kind::MlKem768 | Kind::MlKem1024) => usage.key_encipherment(),
        };
        usage
    }
}

/// Seals to the certificate and opens with the PFX, before anybody relies on them.
fn try_out(cer: &[u8], pfx: &[u8], password: &str) -> Result<CertificateFacts> {
    let certificate = EncryptionCertificate::from_cer(cer)?;
    let facts = certificate.facts().clone();
    let message = Sealer::new(&[certificate])?.seal(b"")?;
    Opener::new(DecryptionCertificate::from_pfx(pfx, Some(password))?).open(&message)?;
    Ok(facts)
}

impl NewKey<'_> {
    fn text(&self, signs: bool) -> String {
        let [cer, pfx] = match signs {
            true => [
                "says who made a set: copy it to whoever reads sets",
                "signs: keep it on the one host that signs",
            ],
            false => [
                "encrypts: copy it to each host that backs up",
                "decrypts: keep it in two safe places, away from those hosts",
            ],
        };
        let mut text = format!("{}  {cer}\n{}  {pfx}\n", self.cer.display(), self.pfx.display());
        if let Some(password) = self.password {
            let _ = writeln!(
                text,
                "password of the PFX: {password}\n  It is shown only now. Keep it apart from the PFX."
            );
        }
        let _ = writeln!(text, "thumbprint {}", self.certificate.sha1_thumbprint);
        text
    }
}

/// Show what a certificate says: a CER, or a PFX with its password.
#[derive(Args)]
struct Show {
    /// CER or PFX
    file: PathBuf,
    #[command(flatten)]
    password: PfxPassword,
}

impl Show {
    fn run(self, output: &Output) -> Result<Ended> {
        let bytes = read(&self.file)?;
        let failed = |e: Error| Error::new(e.kind(), format!("{}: {e}", self.file.display())).with_source(e);
        let (facts, is_signer) = match of_cer(&bytes) {
            Ok(found) => found,
            // What is no certificate alone may be a PFX.
            Err(error) if matches!(error.kind(), ErrorKind::Malformed | ErrorKind::CertificateUnsuitable) => {
                let password = self.password.read()?;
                let password = password.as_ref().map(|text| text.as_str());
                let pfx = DecryptionCertificate::from_pfx(&bytes, password);
                // A certificate that serves for nothing is no PFX either, but that is not what is wrong with it.
                let pfx = pfx.map_err(|of_pfx| match (error.kind(), of_pfx.kind()) {
                    (ErrorKind::CertificateUnsuitable, ErrorKind::Malformed) => failed(error),
                    _ => failed(of_pfx),
                })?;
                let is_signer = of_cer(&pfx.encryption_certificate().to_der()?).is_ok_and(|(_, signs)| signs);
                (pfx.facts().clone(), is_signer)
            }
            Err(error) => return Err(failed(error)),
        };
        let (purpose, late) = match is_signer {
            true => {
                ("purpose     signs sets, encrypts nothing\n", "what it signed while it was valid stays good")
            }
            false => ("", "it still opens sets"),
        };
        let is_valid = (facts.not_before..=facts.not_after).contains(&Timestamp::now());
        output.print(&facts, || {
            format!(
                "subject     {}\nissuer      {}\nserial      {}\nkey         {} {}\n{purpose}thumbprint  {}\nSHA-256     {}\n\
                 valid from  {}\nvalid until {}{}\n",
                facts.subject,
                facts.issuer,
                facts.serial,
                facts.key.algorithm,
                facts.key.bits,
                facts.sha1_thumbprint,
                facts.sha256_thumbprint,
                facts.not_before,
                facts.not_after,
                if is_valid { String::new() } else { format!(": not valid today; {late}") },
            )
        })?;
        Ok(Ended::named(!is_valid))
    }
}

/// What a CER says, and whether it only signs.
fn of_cer(cer: &[u8]) -> Result<(CertificateFacts, bool)> {
    EncryptionCertificate::from_cer(cer).map(|found| (found.facts().clone(), false)).or_else(|error| {
        SignerCertificate::from_cer(cer).map(|found| (found.facts().clone(), true)).map_err(|_| error)
    })
}

/// Try on a share whether a PFX opens what it should: the newest complete set of each component, every byte.
///
/// Do this on the machine and with the PFX that you would use on the day of need. Exit code 1 if a component has nothing
/// that opens, 3 if a newer set is not whole.
#[derive(Args)]
struct Drill {
    #[command(flatten)]
    share: ShareArgs,
    /// External domain name and region: contoso.com/nyc
    #[arg(long, env = "AZS_DEPLOYMENT")]
    deployment: Deployment,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

#[derive(Serialize)]
struct Drilled {
    place: String,
    set: String,
    created: Timestamp,
    is_sound: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    #[serde(skip)]
    kind: Option<ErrorKind>,
}

impl Drill {
    fn run(self, output: &Output) -> Result<Ended> {
        let opener = self.key.opener()?;
        let share = self.share.open(output)?;
        let signers = self.trust.read()?;
        let sets = list_sets(share.clone(), &self.deployment).require_signers(&signers).run()?;
        let newest = newest(&sets);
        if newest.is_empty() {
            let message = format!("{} has no set to try the PFX on", self.deployment);
            return Err(Error::new(ErrorKind::NotFound, message));
        }
        let mut drilled = Vec::new();
        for summary in newest {
            let error = match try_on(share.clone(), summary, &opener, &signers, output) {
                Err(error) if error.kind() == ErrorKind::Cancelled => return Err(error),
                done => done.err(),
            };
            drilled.push(Drilled {
                place: summary.place.to_string(),
                set: summary.name.to_string(),
                created: summary.name.created(),
                is_sound: error.is_none(),
                problem: error.as_ref().map(|error| format!("{}: {error}", error.code())),
                kind: error.as_ref().map(Error::kind),
            });
        }
        output.print(&drilled, || drilled.iter().map(Drilled::line).collect())?;
        match drilled.iter().find_map(|set| Some((set, set.kind?))) {
            Some((set, kind)) => Err(Error::new(
                kind,
                format!("the PFX does not open all that it should: {}", set.line().trim_end()),
            )),
            None if sets.needs_attention() => {
                output.warn("other sets of the deployment need attention: azs-backup list names them");
                Ok(Ended::Partial)
            }
            None => Ok(Ended::Whole),
        }
    }
}

/// The newest complete set of each place, or its newest if none is complete. One from the future counts where there is no
/// other.
fn newest(sets: &[SetSummary]) -> Vec<&SetSummary> {
    let mut newest: Vec<&SetSummary> = Vec::new();
    let (ahead, past): (Vec<_>, Vec<_>) = sets.iter().partition(|set| is_ahead(set));
    let is_alone =
        |set: &&&SetSummary| !past.iter().any(|other| other.place == set.place && other.is_complete());
    for set in past.iter().chain(ahead.iter().filter(is_alone)) {
        match newest.iter_mut().find(|other| other.place == set.place) {
            Some(other) if set.is_complete() || !other.is_complete() => *other = set,
            Some(_) => {}
            None => newest.push(set),
        }
    }
    newest
}

impl Drilled {
    fn line(&self) -> String {
        let outcome = self.problem.as_deref().unwrap_or("opened, and every byte is as it was written");
        format!("{}/{}, {}: {outcome}\n", self.place, self.set, age(self.created))
    }
}

fn try_on(
    share: std::sync::Arc<dyn azs_backup::Share>,
    set: &SetSummary,
    opener: &Opener,
    signers: &[SignerCertificate],
    output: &Output,
) -> Result<()> {
    let set = Set::open(share, set.folder.clone())?;
    let mut observer = progress::observer(output, "drill");
    set.verify_full(opener).require_signers(signers).observer(&mut observer).run()?.into_result().map(drop)
}
