//! Shares that cannot link, can link only a limited number of times, or falsely say that they did.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use azs_backup::backup::BackupReport;
use azs_backup::layout::SharePath;
use azs_backup::observer::Progress;
use azs_backup::{Error, ErrorKind, Result, Share};

use crate::common::system::look;
use crate::common::{forward, noise};
use crate::incremental::nightly::Nightly;

/// What a share makes of a link or a copy.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Answer {
    Does,
    TakesItsTime,
    Unsupported,
    /// Says yes and does nothing, or half of it.
    Lies,
    Truncates,
    /// Does it, and the answer is lost.
    DoesUnheard,
    /// The object has as many names as it may have.
    TooMany,
}

struct Peculiar {
    share: Arc<dyn Share>,
    root: std::path::PathBuf,
    link: Answer,
    copy: Answer,
    calls: AtomicU32,
}

impl fmt::Debug for Peculiar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a peculiar share")
    }
}

impl Peculiar {
    fn answer(&self, answer: Answer, name: &SharePath, does: impl FnOnce() -> Result<()>) -> Result<()> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        match answer {
            Answer::Does => does(),
            Answer::TakesItsTime => {
                std::thread::sleep(std::time::Duration::from_millis(150));
                does()
            }
            Answer::Unsupported => Err(Error::new(ErrorKind::Unsupported, "not here")),
            Answer::Lies => Ok(()),
            Answer::Truncates => {
                fs::write(self.root.join(name.to_string()), "half").unwrap();
                Ok(())
            }
            Answer::DoesUnheard => {
                does()?;
                Err(Error::new(ErrorKind::TimedOut, "no answer"))
            }
            Answer::TooMany => Err(Error::new(ErrorKind::LimitExceeded, "1,023 names")),
        }
    }
}

impl Share for Peculiar {
    forward!(share: describe, put, flush, read, list, create_folder, remove, remove_folder);
    fn link(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        self.answer(self.link, name, || self.share.link(object, name))
    }
    fn copy(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        self.answer(self.copy, name, || self.share.copy(object, name))
    }
}

/// A share that refuses to delete an object at the first attempt, because a virus scanner has it open, or always.
#[derive(Debug)]
struct Scanned {
    share: Arc<dyn Share>,
    seen: Mutex<HashSet<SharePath>>,
    always: bool,
}

impl Share for Scanned {
    forward!(share: describe, put, flush, read, list, create_folder, copy, remove_folder);
    fn link(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        self.share.link(object, name)
    }
    fn remove(&self, path: &SharePath) -> Result<()> {
        if self.seen.lock().unwrap().insert(path.clone()) || self.always {
            return Err(Error::new(ErrorKind::Conflict, "somebody has it open"));
        }
        self.share.remove(path)
    }
}

#[test]
fn what_a_set_does_not_need_is_removed_even_if_that_fails_at_first() {
    for always in [false, true] {
        let mut nightly = Nightly::new();
        let tree = nightly.sample();
        nightly.run();
        let share = Scanned { share: nightly.fixture.share.clone(), seen: Mutex::default(), always };
        let share = Arc::new(share);
        nightly.fixture.share = share.clone();
        // Some nights combine pieces of the index.
        for night in 0..6 {
            fs::write(tree.join("a/changed"), format!("night {night}")).unwrap();
            // What is there for one night fills a segment that the next set does not need.
            let passing = tree.join("a/passing");
            if night % 2 == 0 {
                fs::write(passing, noise(night, 3_000_000)).unwrap();
            } else {
                fs::remove_file(passing).unwrap();
            }
            let report = nightly.run();
            assert!(report.warnings.is_empty(), "{:?}", report.warnings);
            // The set keeps, and lists, what the share does not let go: a store may lock it.
            let found = nightly.verify_full(&report);
            assert!(found.is_sound() && found.foreign.is_empty(), "{found:#?}");
            nightly.check(&report);
        }
        assert!(!share.seen.lock().unwrap().is_empty(), "nothing was removed");
    }
}

/// A share that has whatever name is asked for, as a page does that wants to log somebody in.
#[derive(Debug)]
struct HasAll(Arc<dyn Share>);

impl Share for HasAll {
    forward!(0: describe, put, flush, read, list, copy, remove, remove_folder);
    fn link(&self, object: &SharePath, name: &SharePath) -> Result<()> {
        self.0.link(object, name)
    }
    fn create_folder(&self, _: &SharePath) -> Result<()> {
        Err(Error::new(ErrorKind::AlreadyExists, "it is there"))
    }
}

#[test]
fn a_run_does_not_look_for_a_free_name_for_ever() {
    let mut nightly = Nightly::new();
    nightly.sample();
    nightly.run();
    nightly.fixture.share = Arc::new(HasAll(nightly.fixture.share.clone()));
    let error = nightly.fixture.builder().start().err().unwrap();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
}

/// A first night, and then such a share.
fn after_one_night(link: Answer, copy: Answer) -> Nightly {
    let mut nightly = Nightly::new();
    nightly.sample();
    nightly.run();
    let share = nightly.fixture.share.clone();
    let root = nightly.fixture.path("share");
    nightly.fixture.share = Arc::new(Peculiar { share, root, link, copy, calls: AtomicU32::new(0) });
    nightly
}

/// The second night on such a share.
fn second(link: Answer, copy: Answer) -> (Nightly, BackupReport) {
    let nightly = after_one_night(link, copy);
    let tree = nightly.tree.clone();
    fs::write(tree.join("a/changed"), "the second night").unwrap();
    let report = nightly.run_and_check();
    // And the one after it, whatever came of this.
    fs::write(tree.join("a/changed"), "the third night").unwrap();
    nightly.run_and_check();
    (nightly, report)
}

#[test]
fn where_links_cannot_be_made_the_share_copies() {
    for link in [Answer::Unsupported, Answer::TooMany] {
        let (_, report) = second(link, Answer::Does);
        let reuse = &report.reuse;
        assert!(reuse.linked.files == 0 && reuse.copied.files > 2, "{reuse:#?}");
        assert!(reuse.files_read == 1 && reuse.rewritten.is_empty(), "{reuse:#?}");
    }
}

#[test]
fn where_it_can_do_neither_the_set_is_a_full_one() {
    let (nightly, report) = second(Answer::Unsupported, Answer::Unsupported);
    assert_eq!(report.reuse.base, None);
    assert!(report.warnings[0].contains("neither hard links nor copies"), "{:?}", report.warnings);
    assert_eq!(report.reuse.files_read, report.cover.content.files);
    drop(nightly);
}

#[test]
fn where_all_of_the_last_set_is_damaged_the_report_says_so() {
    let nightly = Nightly::new();
    nightly.sample();
    let first = nightly.run();
    let folder = nightly.fixture.native(&first.folder);
    for file in fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
        if file.to_str().unwrap().ends_with(".tar.zst.p7m") {
            let mut bytes = fs::read(&file).unwrap();
            *bytes.last_mut().unwrap() ^= 1;
            fs::write(&file, bytes).unwrap();
        }
    }
    let report = nightly.run_with(|builder| builder.recheck(1));
    assert_eq!(report.reuse.base, None);
    assert!(report.warnings[0].contains("is damaged"), "{:?}", report.warnings);
}

#[test]
fn linking_can_be_stopped() {
    let nightly = after_one_night(Answer::TakesItsTime, Answer::Does);
    let sets = || fs::read_dir(nightly.fixture.native(&nightly.fixture.place.folder())).unwrap().count();
    let before = sets();
    let error = nightly.builder().observer(|_: Progress| ControlFlow::Break(())).start().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
    crate::common::backend::assert_given_up(|| sets() == before);
    assert_eq!(nightly.run_and_check().reuse.files_read, 0);
}

#[test]
fn a_link_that_was_not_made_is_noticed() {
    for answer in [Answer::Lies, Answer::Truncates] {
        let (_, report) = second(answer, answer);
        assert_eq!(report.reuse.base, None, "{answer:?}");
        assert_eq!(report.reuse.files_read, report.cover.content.files);
    }
}

#[test]
fn more_names_than_a_file_may_have_cost_a_copy() {
    if !crate::common::backend::is_file_system() {
        eprintln!("skipped: an object has one name");
        return;
    }
    // NTFS: 1,023 names. The file system of the test may allow more; the share counts.
    struct Counting(Arc<dyn Share>, std::path::PathBuf);
    impl fmt::Debug for Counting {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a share with few names")
        }
    }
    impl Share for Counting {
        forward!(0: describe, put, flush, read, list, create_folder, copy, remove, remove_folder);
        fn link(&self, object: &SharePath, name: &SharePath) -> Result<()> {
            let at = self.1.join(object.to_string());
            if at.exists() && look(&at).names >= 4 {
                return Err(Error::new(ErrorKind::LimitExceeded, "too many names"));
            }
            self.0.link(object, name)
        }
    }
    let mut nightly = Nightly::new();
    nightly.sample();
    let root = nightly.fixture.path("share");
    nightly.fixture.share = Arc::new(Counting(nightly.fixture.share.clone(), root));
    let copied = |report: BackupReport| report.reuse.copied.files;
    let nights: Vec<_> = (0..10).map(|_| copied(nightly.run())).collect();
    assert!(nights[..4].iter().all(|copied| *copied == 0) && nights[4] > 0, "{nights:?}");
    assert_eq!(nights[5..8], [0, 0, 0], "a copy has one name again");
    nightly.run_and_check();
}

#[test]
fn a_link_whose_answer_is_lost_leaves_nothing_behind() {
    for copy in [Answer::DoesUnheard, Answer::Unsupported, Answer::Does] {
        let (nightly, report) = second(Answer::DoesUnheard, copy);
        assert_eq!(report.reuse.linked.files, 0, "{:#?}", report.reuse);
        let found = nightly.verify(&report);
        assert!(found.foreign.is_empty(), "{found:#?}");
    }
}
