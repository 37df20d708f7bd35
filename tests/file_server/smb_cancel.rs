//! A request to stop takes effect within seconds, whatever the server does.
#![cfg(all(unix, feature = "smb"))]

use std::fs;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::common::noise;
use crate::common::proxy::{Fault, Proxy};
use crate::common::samba::Samba;
use crate::common::{Certificate, assert_same_tree};
use azs_backup::layout::{Component, Deployment};
use azs_backup::observer::{Observer, Progress, watch};
use azs_backup::schedule::{DeletionOutcome, RetentionPolicy};
use azs_backup::set::EntryPath;
use azs_backup::share::{ShareCheck, SmbBuilder, Step, StepOutcome};
use azs_backup::{Backup, Error, ErrorKind, Opener, Place, Set, Share, list_sets};
use jiff::Timestamp;

/// Says stop some time after the server fell silent, and remembers when.
struct Impatient<'a> {
    proxy: &'a Proxy,
    silent: Option<Instant>,
    said: Option<Instant>,
}

impl<'a> Impatient<'a> {
    fn new(proxy: &'a Proxy) -> Self {
        Self { proxy, silent: None, said: None }
    }

    /// Fails unless the work ended soon after.
    fn assert_was_heard(&self, what: &str) {
        let took = self.said.unwrap_or_else(|| panic!("{what}: nobody asked")).elapsed();
        println!("| {what} | {:.1} s |", took.as_secs_f64());
        assert!(took < Duration::from_secs(5), "{what}: {took:?}");
    }
}

impl Observer for Impatient<'_> {
    fn progress(&mut self, _: Progress) -> ControlFlow<()> {
        assert!(self.said.is_none(), "asked again after it said stop");
        if !self.proxy.is_stalled() || self.silent.get_or_insert_with(Instant::now).elapsed() < SILENCE {
            return ControlFlow::Continue(());
        }
        self.said = Some(Instant::now());
        ControlFlow::Break(())
    }
}

/// An observer that does not borrow, for a backup.
#[derive(Clone)]
struct Owned(Arc<Proxy>, Arc<std::sync::Mutex<Option<Instant>>>);

impl Observer for Owned {
    fn progress(&mut self, _: Progress) -> ControlFlow<()> {
        if !self.0.is_stalled() {
            return ControlFlow::Continue(());
        }
        let since = *self.1.lock().unwrap().get_or_insert_with(Instant::now);
        if since.elapsed() < SILENCE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

const SILENCE: Duration = Duration::from_millis(500);

fn assert_cancelled<T>(what: &str, result: Result<T, Error>) {
    let error = result.err().unwrap_or_else(|| panic!("{what}: it was not stopped"));
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{what}: {error}");
}

struct Hung {
    samba: Samba,
    proxy: Arc<Proxy>,
    builder: SmbBuilder,
    place: Place,
    certificate: Certificate,
    tree: tempfile::TempDir,
}

impl Hung {
    fn new() -> Self {
        let samba = Samba::new();
        let proxy = Arc::new(Proxy::new(samba.port()));
        let builder = samba.builder("data").port(proxy.port());
        let place = Place::new(Deployment::new("contoso.com", "nyc").unwrap(), Component::Switches);
        let tree = tempfile::tempdir().unwrap();
        for number in 0..3 {
            fs::write(tree.path().join(format!("{number}")), noise(number, 9_000_000)).unwrap();
        }
        Self { samba, proxy, builder, place, certificate: Certificate::new("azs-backup test"), tree }
    }

    fn connect(&self) -> Arc<dyn Share> {
        Arc::new(self.builder.clone().connect().unwrap())
    }

    fn backup(&self, share: &Arc<dyn Share>, observer: impl Observer + Send + 'static) -> Result<Set, Error> {
        let mut backup = Backup::builder(share.clone(), self.place.clone())
            .certificate(self.certificate.encryption())
            .create(true)
            .observer(observer)
            .start()?;
        backup.add_folder_as("tree", self.tree.path())?;
        Set::open(share.clone(), backup.commit()?.folder)
    }
}

fn content(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn each_piece_of_work_that_reads_ends_when_told_to() {
    let hung = Hung::new();
    let share = hung.connect();
    let set = hung.backup(&share, content).unwrap();
    hung.backup(&share, content).unwrap();
    let deployment = hung.place.deployment().clone();
    let opener = Opener::new(hung.certificate.decryption());
    let path = EntryPath::new("tree/1").unwrap();
    let target = tempfile::tempdir().unwrap();
    let plan = RetentionPolicy::new()
        .keep_last(1)
        .plan(&list_sets(share.clone(), &deployment).run().unwrap(), Timestamp::now());
    assert_eq!(plan.deletions.len(), 1);
    type Work<'a> = &'a mut dyn FnMut(&mut Impatient<'_>) -> Result<(), Error>;
    let work: [(&str, Work<'_>); 6] = [
        ("list", &mut |o| list_sets(share.clone(), &deployment).observer(o).run().map(drop)),
        ("open", &mut |o| watch(o, || Set::open(share.clone(), set.folder().clone()).map(drop))),
        ("verify", &mut |o| set.verify().observer(o).run().map(drop)),
        ("verify in full", &mut |o| set.verify_full(&opener).observer(o).run().map(drop)),
        ("restore", &mut |o| set.restore(&opener).observer(o).into(target.path()).map(drop)),
        ("one file", &mut |o| set.restore_stream(&opener, &path).observer(o).to(std::io::sink()).map(drop)),
    ];
    for (what, work) in work {
        // At once, and during a transfer.
        for bytes in [0, 3_000_000] {
            if bytes > 0 && ["list", "open"].contains(&what) {
                continue;
            }
            hung.proxy.after(bytes, Fault::Stall);
            let mut observer = Impatient::new(&hung.proxy);
            let result = work(&mut observer);
            observer.assert_was_heard(what);
            assert_cancelled(what, result);
            hung.proxy.set(Fault::None);
        }
    }
    hung.proxy.set(Fault::Stall);
    let mut observer = Impatient::new(&hung.proxy);
    let report = plan.apply(share.clone()).observer(&mut observer).run();
    observer.assert_was_heard("retention");
    assert!(report.outcomes.iter().all(|(_, outcome)| *outcome != DeletionOutcome::Deleted), "{report:?}");
    hung.proxy.set(Fault::None);

    // The share goes on as if nothing had been.
    assert_eq!(list_sets(share.clone(), &deployment).run().unwrap().len(), 2);
    set.restore(&opener).into(target.path().join("whole")).unwrap();
    assert_same_tree(hung.tree.path(), &target.path().join("whole/tree"));
}

#[test]
fn connecting_and_checking_end_when_told_to() {
    let hung = Hung::new();
    for (what, fault) in [("silent", true), ("refusing", false)] {
        hung.proxy.set(Fault::Stall);
        if !fault {
            hung.proxy.refuse();
        }
        let mut observer = Impatient::new(&hung.proxy);
        let connected = watch(&mut observer, || hung.builder.clone().connect());
        observer.assert_was_heard(&format!("connect, {what}"));
        assert_cancelled(what, connected);
    }
    hung.proxy.accept();
    let check = ShareCheck::new(hung.place.deployment().clone());
    let mut observer = Impatient::new(&hung.proxy);
    let report = watch(&mut observer, || check.run_smb(&hung.builder));
    observer.assert_was_heard("check");
    assert!(!report.is_sound());
}

/// Says stop at its first call after this time.
fn after(time: Duration) -> impl FnMut(Progress) -> ControlFlow<()> {
    let begun = Instant::now();
    move |_| if begun.elapsed() > time { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

#[test]
fn a_check_that_is_stopped_leaves_nothing_on_a_server_that_answers() {
    let hung = Hung::new();
    let share = hung.connect();
    hung.backup(&share, content).unwrap();
    let region = hung.samba.path("data").join(hung.place.deployment().region_folder().to_string());
    let names = || {
        let mut names: Vec<_> =
            fs::read_dir(&region).unwrap().map(|item| item.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    let check = ShareCheck::new(hung.place.deployment().clone());
    hung.proxy.set(Fault::Delay(Duration::from_millis(40)));
    let begun = Instant::now();
    assert!(check.run_smb(&hung.builder).is_sound());
    let whole = begun.elapsed();
    let mut written = 0;
    for moment in (1..10).map(|step| whole * step / 10) {
        let report = watch(&mut after(moment), || check.run_smb(&hung.builder));
        let has = |step, outcome| report.steps.iter().any(|one| one.step == step && one.outcome == outcome);
        written += usize::from(!report.is_sound() && has(Step::Write, StepOutcome::Passed));
        // A call that was told to end may still take back what it began.
        let begun = Instant::now();
        while names() != before {
            assert!(begun.elapsed() < Duration::from_secs(10), "after {moment:?}: {:?}", names());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    assert!(written > 0, "no check was stopped while its probe was on the share");
}

#[test]
fn a_backup_ends_when_told_to_and_leaves_nothing_on_a_server_that_answers() {
    let hung = Hung::new();
    let share = hung.connect();
    let whole = hung.backup(&share, content).unwrap();
    let begun = hung.proxy.passed();
    hung.backup(&share, content).unwrap();
    let bytes = hung.proxy.passed() - begun;
    for (moment, at) in [("start", 0.0), ("puts", 0.4), ("last put", 0.95)] {
        let observer = Owned(hung.proxy.clone(), Arc::default());
        hung.proxy.set(Fault::None);
        hung.proxy.after((bytes as f64 * at) as u64, Fault::Stall);
        let result = hung.backup(&share, observer.clone());
        let said = observer.1.lock().unwrap().unwrap_or_else(|| panic!("{moment}: nobody asked")) + SILENCE;
        println!("| backup, {moment} | {:.1} s |", said.elapsed().as_secs_f64());
        assert!(said.elapsed() < Duration::from_secs(5), "{moment}: {:?}", said.elapsed());
        assert_cancelled(moment, result);
        hung.proxy.set(Fault::None);
        let list = list_sets(share.clone(), hung.place.deployment()).run().unwrap();
        assert_eq!(list.iter().filter(|set| set.is_complete()).count(), 2);
    }
    // One that is slow answers after all: what was begun is taken back.
    let before = sets_of(&hung);
    hung.proxy.set(Fault::Slow(2_000_000));
    let begun = Instant::now();
    let stop = move |_: Progress| match begun.elapsed() > Duration::from_secs(2) {
        true => ControlFlow::Break(()),
        false => ControlFlow::Continue(()),
    };
    assert_cancelled("slow", hung.backup(&share, stop));
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(7), "{took:?}");
    hung.proxy.set(Fault::None);
    let begun = Instant::now();
    // What the server that hung kept goes meanwhile, too.
    while !sets_of(&hung).iter().all(|set| before.contains(set)) {
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", sets_of(&hung));
        std::thread::sleep(Duration::from_millis(50));
    }
    let opener = Opener::new(hung.certificate.decryption());
    assert!(whole.verify_full(&opener).run().unwrap().is_sound());
}

/// The names of all sets, begun ones included.
fn sets_of(hung: &Hung) -> Vec<String> {
    let folder = hung.samba.path("data").join(hung.place.folder().to_string());
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|item| item.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_handle_that_is_dropped_does_not_wait_for_a_server_that_hangs() {
    let hung = Hung::new();
    let share = hung.connect();
    let mut backup = Backup::builder(share.clone(), hung.place.clone())
        .certificate(hung.certificate.encryption())
        .create(true)
        .start()
        .unwrap();
    backup.add_folder_as("tree", hung.tree.path()).unwrap();
    hung.proxy.set(Fault::Stall);
    let begun = Instant::now();
    drop(backup);
    println!("| backup dropped | {:.1} s |", begun.elapsed().as_secs_f64());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let begun = Instant::now();
    drop(share);
    println!("| share dropped | {:.1} s |", begun.elapsed().as_secs_f64());
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
