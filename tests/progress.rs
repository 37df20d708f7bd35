//! The last progress call has the final figures, and can still stop the work.

mod common;

use std::io::Read;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use azs_backup::backup::ShrunkenSources;
use azs_backup::layout::SharePath;
use azs_backup::observer::{Observer, Progress, watch};
use azs_backup::schedule::RetentionPolicy;
use azs_backup::{Backup, ErrorKind, Share, list_sets};
use common::{Fixture, forward, noise};

const LARGE: usize = 70 << 20;

/// The last call of a piece of work.
fn last<T>(work: impl FnOnce(&mut dyn Observer) -> T) -> (T, Progress) {
    let mut last = Progress::default();
    let done = work(&mut |progress| {
        last = progress;
        ControlFlow::Continue(())
    });
    (done, last)
}

fn counts(progress: Progress) -> (u64, u64, u64, Option<u64>) {
    (progress.files, progress.bytes, progress.stored_bytes, progress.total_bytes)
}

#[test]
fn the_last_call_has_everything() {
    let fixture = Fixture::new();
    let tree = fixture.path("tree");
    std::fs::create_dir_all(tree.join("folder")).unwrap();
    std::fs::write(tree.join("small"), "hostname tor1\n").unwrap();
    std::fs::write(tree.join("large"), noise(1, LARGE)).unwrap();

    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&seen);
    let mut backup = fixture
        .builder()
        .observer(move |progress: Progress| {
            told.lock().unwrap().push(progress);
            ControlFlow::Continue(())
        })
        .start()
        .unwrap();
    backup.add_folder(&tree).unwrap();
    let report = backup.commit().unwrap();
    let (content, stored) = (&report.cover.content, &report.cover.stored);
    let at_end = *seen.lock().unwrap().last().unwrap();
    assert_eq!(counts(at_end), (content.files, content.bytes, stored.bytes, Some(content.bytes)));

    let set = fixture.open(&report.folder);
    let (done, at_end) = last(|hook| set.verify().observer(hook).run());
    let bytes = done.unwrap().stored_bytes;
    assert_eq!(counts(at_end), (stored.files, bytes, bytes, Some(bytes)));
    let (done, at_end) = last(|hook| set.verify_full(&fixture.opener).observer(hook).run());
    assert!(done.unwrap().is_sound());
    assert_eq!(counts(at_end), (content.files, content.bytes, bytes, Some(content.bytes)));
    let target = fixture.path("restored");
    let (done, at_end) = last(|hook| set.restore(&fixture.opener).observer(hook).into(&target));
    let done = done.unwrap();
    assert_eq!(counts(at_end), (done.files, done.bytes, done.stored_bytes, Some(content.bytes)));
    let (done, at_end) = last(|hook| {
        let path = "tree/large".parse().unwrap();
        set.restore_stream(&fixture.opener, &path).observer(hook).to(std::io::sink())
    });
    assert_eq!(
        (at_end.files, at_end.bytes, at_end.total_bytes),
        (1, done.unwrap().size(), Some(LARGE as u64))
    );
    let (done, at_end) =
        last(|hook| list_sets(fixture.share.clone(), fixture.place.deployment()).observer(hook).run());
    assert_eq!((at_end.files, done.unwrap().len()), (1, 1));
}

#[test]
fn the_last_call_can_still_stop_a_backup() {
    let fixture = Fixture::new();
    let stop = |progress: Progress| match progress.total_bytes {
        Some(_) => ControlFlow::Break(()),
        None => ControlFlow::Continue(()),
    };
    let mut backup = fixture.builder().observer(stop).start().unwrap();
    backup.add_bytes("tor1", &b"hostname tor1"[..]).unwrap();
    assert_eq!(backup.commit().unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(list_sets(fixture.share.clone(), fixture.place.deployment()).run().unwrap().is_empty());
}

/// A share that takes its time to create a folder.
#[derive(Debug)]
struct Sluggish(Arc<dyn Share>);

impl Share for Sluggish {
    forward!(0: describe, put, flush, read, list, remove, remove_folder);
    fn create_folder(&self, folder: &SharePath) -> azs_backup::Result<()> {
        std::thread::sleep(Duration::from_millis(500));
        self.0.create_folder(folder)
    }
}

#[test]
fn an_observer_that_said_stop_while_a_backup_starts_is_heard_and_never_asked_again() {
    let fixture = Fixture::new();
    let share: Arc<dyn Share> = Arc::new(Sluggish(fixture.share.clone()));
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = asked.clone();
    let stop = move |_: Progress| {
        counted.fetch_add(1, Ordering::SeqCst);
        ControlFlow::Break(())
    };
    let backup = Backup::builder(share, fixture.place.clone())
        .certificate(fixture.certificate.encryption())
        .observer(stop)
        .start();
    let done = backup.and_then(|mut backup| {
        backup.add_bytes("tor1", &b"hostname tor1"[..])?;
        backup.commit()
    });
    assert_eq!(done.unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    assert!(list_sets(fixture.share.clone(), fixture.place.deployment()).run().unwrap().is_empty());
}

#[test]
fn whoever_watches_a_backup_from_outside_stops_it_while_it_reads() {
    let fixture = Fixture::new();
    let mut stop = |_: Progress| ControlFlow::Break(());
    let added = watch(&mut stop, || {
        let mut backup = fixture.start();
        backup.add_reader("image", Slow(0)).map(|()| "all of it")
    });
    assert_eq!(added.unwrap_err().kind(), ErrorKind::Cancelled);
}

#[test]
fn a_retention_that_is_stopped_asks_no_more() {
    let fixture = Fixture::new();
    for _ in 0..4 {
        let mut backup = fixture.start();
        backup.add_bytes("tor1", &b"hostname tor1"[..]).unwrap();
        backup.commit().unwrap();
    }
    struct Once(Vec<&'static str>);
    impl Observer for Once {
        fn progress(&mut self, _: Progress) -> ControlFlow<()> {
            assert!(!self.0.contains(&"deleting"), "asked again after it said stop");
            ControlFlow::Continue(())
        }
        fn deleting(&mut self, _: &SharePath) -> ControlFlow<()> {
            self.0.push("deleting");
            ControlFlow::Break(())
        }
    }
    let list = list_sets(fixture.share.clone(), fixture.place.deployment()).run().unwrap();
    let plan = RetentionPolicy::new().keep_last(1).plan(&list, jiff::Timestamp::now());
    let mut once = Once(Vec::new());
    let report = plan.apply(fixture.share.clone()).observer(&mut once).run();
    assert_eq!((once.0.len(), report.outcomes.len(), report.deleted()), (1, 3, 0));
}

/// Returns a large content, slowly enough that the observer is asked meanwhile.
struct Slow(usize);

impl std::io::Read for Slow {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.0.is_multiple_of(16) {
            std::thread::sleep(std::time::Duration::from_millis(120));
        }
        self.0 += 1;
        let wanted = if self.0 > 200 { 0 } else { buffer.len().min(64 << 10) };
        buffer[..wanted].fill(7);
        Ok(wanted)
    }
}

#[test]
fn a_source_that_failed_half_way_ends_the_run_even_if_the_caller_goes_on() {
    let fixture = Fixture::new();
    let mut asked = 0;
    let once = move |_: Progress| {
        asked += 1;
        if asked == 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let mut backup = fixture.builder().observer(once).start().unwrap();
    backup.add_bytes("tor1", &b"hostname tor1"[..]).unwrap();
    assert_eq!(backup.add_reader("image", Slow(0)).unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(backup.commit().unwrap_err().kind(), ErrorKind::Cancelled);

    let empty = fixture.path("empty");
    std::fs::create_dir(&empty).unwrap();
    let mut backup = fixture.builder().shrunken_sources(ShrunkenSources::Fail).start().unwrap();
    backup.add_bytes("tor1", &b"hostname tor1"[..]).unwrap();
    assert_eq!(backup.add_folder(&empty).unwrap_err().kind(), ErrorKind::SourceUnreadable);
    assert_eq!(backup.commit().unwrap_err().kind(), ErrorKind::SourceUnreadable);
    assert!(list_sets(fixture.share.clone(), fixture.place.deployment()).run().unwrap().is_empty());
}

/// Returns one byte at a time, slowly and with interruptions, as a terminal line does.
struct Trickle(Arc<AtomicUsize>);

impl Trickle {
    const CALLS: usize = 600;
}

impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        std::thread::sleep(Duration::from_millis(10));
        let calls = self.0.fetch_add(1, Ordering::SeqCst);
        match calls % 3 {
            _ if calls >= Self::CALLS => Ok(0),
            0 => {
                buffer[0] = 7;
                Ok(1)
            }
            _ => Err(std::io::ErrorKind::Interrupted.into()),
        }
    }
}

#[test]
fn a_backup_is_stopped_while_a_reader_has_little_to_say() {
    let fixture = Fixture::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let heard = calls.clone();
    let once_it_reads = move |_: Progress| match heard.load(Ordering::SeqCst) {
        0 => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    };
    let mut backup = fixture.builder().observer(once_it_reads).start().unwrap();
    let added = backup.add_reader("line", Trickle(calls.clone()));
    assert_eq!(added.unwrap_err().kind(), ErrorKind::Cancelled);
    assert!(calls.load(Ordering::SeqCst) < Trickle::CALLS, "the reader was read to its end first");
}

#[test]
fn a_source_that_panicked_half_way_ends_the_run_even_if_the_caller_goes_on() {
    struct Panics;
    impl Read for Panics {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            panic!("on purpose")
        }
    }
    let fixture = Fixture::new();
    let reads = Arc::new(AtomicUsize::new(0));
    for of_reader in [true, false] {
        let (begun, mut asked) = (reads.clone(), 0);
        let panics_once = move |_: Progress| {
            asked += usize::from(begun.load(Ordering::SeqCst) > 0);
            assert!(of_reader || asked != 1, "on purpose");
            ControlFlow::Continue(())
        };
        let mut backup = fixture.builder().observer(panics_once).start().unwrap();
        backup.add_bytes("tor1", &b"hostname tor1"[..]).unwrap();
        let added = catch_unwind(AssertUnwindSafe(|| match of_reader {
            true => backup.add_reader("image", Panics),
            false => backup.add_reader("image", Slow(reads.fetch_add(1, Ordering::SeqCst))),
        }));
        assert!(added.is_err());
        assert_eq!(backup.commit().unwrap_err().kind(), ErrorKind::Internal);
        assert!(list_sets(fixture.share.clone(), fixture.place.deployment()).run().unwrap().is_empty());
    }
}
