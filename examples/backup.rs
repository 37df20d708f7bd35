//! Backs up files and folders: `cargo run --example backup -- --help`.

use std::path::PathBuf;
use std::process::ExitCode;

use azs_backup::backup::{BackupReport, ShrunkenSources, SourceProblems};
use azs_backup::layout::Deployment;
use azs_backup::set::Status;
use azs_backup::{Backup, EncryptionCertificate, Place, Result};
use lexopt::Arg::{Long, Short, Value};

mod support;

const HELP: &str = "\
Backs up files and folders into a new set beside MASBackup.

backup --root ROOT --domain D --region R --component C --cer FILE... [options] SOURCE...

  --root ROOT        UNC path, with the account in AZS_SMB_USER and AZS_SMB_PASSWORD, or a mounted folder
  --port N           TCP port of the file server of a UNC path, if it is not 445
  --domain D         external domain name: contoso.com
  --region R         region: nyc
  --component C      HLH, Switches, DeploymentData, Registration, or another name
  --scale-unit S     if the region has several instances of the component
  --cer FILE         encryption certificate; once for each certificate that can open the set
  --state DIR        folder of this host that remembers the last set
  --label K=V        written on the cover sheet, in clear: vendor, model, serial, firmware
  --create           create the region folder, or that of a component of your own, if it is missing
  --exclude PATTERN  leave out what matches, in gitignore syntax; !PATTERN takes it back in
  --allow-partial    go on past sources that cannot be read, and name them
  --fail-on-shrunken fail if a source is empty, or holds less than half of last time
  --one-file-system  leave out what is mounted below a source
  --allow-expired    accept a certificate that is not valid today
  --json             print the report as JSON
  --as NAME          the name of the next SOURCE, if it has none or two have the same
  SOURCE             file or folder, stored under its own name

Exit code 0 if everything is stored, 3 if something is missing or odd and is named, 1 if there is no set, 2 for a wrong
command line.";

fn main() -> ExitCode {
    support::run(backup)
}

fn backup(mut parser: lexopt::Parser) -> Result<support::Ended> {
    let mut root = support::Location::default();
    let (mut domain, mut region, mut component, mut scale_unit) = (None, None, None, None);
    let (mut certificates, mut labels, mut patterns) = (Vec::new(), Vec::new(), Vec::new());
    let (mut state, mut problems, mut allow_expired) = (None, SourceProblems::Fail, false);
    let (mut create, mut shrunken, mut one_file_system) = (false, ShrunkenSources::Warn, false);
    let (mut json, mut name) = (false, None);
    let mut sources = Vec::new();
    while let Some(arg) = parser.next().map_err(support::invalid)? {
        match arg {
            Long("root") => root.take_path(&mut parser)?,
            Long("port") => root.take_port(&mut parser)?,
            Long("domain") => domain = Some(support::text(&mut parser)?),
            Long("region") => region = Some(support::text(&mut parser)?),
            Long("component") => component = Some(support::text(&mut parser)?),
            Long("scale-unit") => scale_unit = Some(support::text(&mut parser)?),
            Long("cer") => certificates.push(support::path(&mut parser)?),
            Long("state") => state = Some(support::path(&mut parser)?),
            Long("label") => labels.push(support::text(&mut parser)?),
            Long("exclude") => patterns.push(support::text(&mut parser)?),
            Long("allow-partial") => problems = SourceProblems::Report,
            Long("create") => create = true,
            Long("fail-on-shrunken") => shrunken = ShrunkenSources::Fail,
            Long("one-file-system") => one_file_system = true,
            Long("as") => name = Some(support::text(&mut parser)?),
            Long("allow-expired") => allow_expired = true,
            Long("json") => json = true,
            Long("help") | Short('h') => return support::print(HELP).map(Into::into),
            Value(source) => sources.push((name.take(), PathBuf::from(source))),
            other => return Err(support::invalid(other.unexpected())),
        }
    }
    if sources.is_empty() {
        return Err(support::invalid("SOURCE is missing"));
    }

    let deployment =
        Deployment::new(support::required(domain, "--domain")?, support::required(region, "--region")?)?;
    let mut place = Place::new(deployment, support::required(component, "--component")?.parse()?);
    if let Some(scale_unit) = scale_unit {
        place = place.with_scale_unit(scale_unit.parse()?);
    }
    let share = root.open_share()?;
    let mut builder = Backup::builder(share, place)
        .source_problems(problems)
        .shrunken_sources(shrunken)
        .one_file_system(one_file_system)
        .create(create)
        .allow_expired_certificates(allow_expired)
        .observer(support::progress("backup"));
    for file in certificates {
        builder = builder.certificate(EncryptionCertificate::from_cer(&support::read(&file)?)?);
    }
    for label in labels {
        let (key, value) = label
            .split_once('=')
            .ok_or_else(|| support::invalid(format_args!("label {label:?} is not like serial=7F3A")))?;
        builder = builder.label(key, value);
    }
    for pattern in patterns {
        builder = builder.exclude(pattern);
    }
    if let Some(state) = state {
        builder = builder.state(state);
    }

    let mut backup = builder.start()?;
    for (name, source) in sources {
        match name {
            Some(name) if source.is_file() => backup.add_file_as(&name, source)?,
            Some(name) => backup.add_folder_as(&name, source)?,
            None => backup.add(source)?,
        }
    }
    let report = backup.commit()?;
    // The set exists: failing to print the report does not undo it.
    let printed = if json { support::print_json(&report) } else { print(&report) };
    if let Err(error) = printed {
        eprintln!("the set {} is complete; its report could not be printed: {error}", report.folder);
    }
    Ok(support::named(report.cover.status != Status::Succeeded))
}

fn print(report: &BackupReport) -> Result<()> {
    let (content, stored) = (&report.cover.content, &report.cover.stored);
    support::print(format_args!("{:?}: {}", report.cover.status, report.folder))?;
    support::print(format_args!(
        "{} files, {} folders, {} links with {}; {} stored in {} files, {:.1} s",
        content.files,
        content.folders,
        content.links,
        support::bytes(content.bytes),
        support::bytes(stored.bytes),
        stored.files,
        report.seconds
    ))?;
    for certificate in &report.cover.certificates {
        support::print(format_args!(
            "opened by the PFX with the thumbprint {} ({})",
            certificate.sha1_thumbprint, certificate.subject
        ))?;
    }
    support::print_some("not as it was", report.problems.iter().map(|p| &p.message))?;
    support::print_some("skipped", report.skipped.iter().map(|p| &p.message))?;
    support::print_some("warning", report.warnings.iter())
}
