//! Classifies text that tools and logs print: by codes first, in numbers and names, and last by sentences.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::classification::{Classification, Collector};
use super::code::{classify_errno, classify_hresult, classify_ntstatus, classify_win32, hresult_row};
use super::evidence::{Evidence, NO_FAILURE};
use super::finding::{Finding, Form};
use super::kind::AlertKind;
use super::profile::Profile;
use super::{errno, error_kind, fault_type, hresult, http, ntstatus, number, win32, wording};

/// Classifies what a tool printed: one line or many, in any language, UTF-8, UTF-16 or a code page.
///
/// It finds NTSTATUS and Win32 codes by name and number, HRESULTs, errno, fault types of alerts, and, as a last resort,
/// known sentences. A text that is just a number is a Win32 code or, with eight hexadecimal digits, an NTSTATUS or
/// HRESULT. A text that says nothing is [`General`](AlertKind::General) with low confidence. Time grows with the
/// length; memory does not.
///
/// ```
/// use azs_backup::alert::{AlertKind, Profile, classify_text};
///
/// let printed = "session setup failed: NT_STATUS_LOGON_FAILURE";
/// let class = classify_text(printed, Profile::Refined);
/// assert_eq!(class.kind(), AlertKind::Authentication);
/// assert!(class.retry().could_lock_out);
///
/// assert_eq!(classify_text("Systemfehler 67 aufgetreten.", Profile::Refined).kind(), AlertKind::Path);
/// ```
#[must_use]
pub fn classify_text(text: impl AsRef<[u8]>, profile: Profile) -> Classification {
    let text = text.as_ref();
    if let Some(class) = classify_bare(text.trim_ascii(), profile) {
        return class;
    }
    let mut classifier = TextClassifier::new(profile);
    text.split(|byte| *byte == b'\n').for_each(|line| classifier.line(line));
    classifier.finish()
}

/// Classifies a log line by line, for logs that are too long to hold in memory.
///
/// ```
/// use azs_backup::alert::{DocumentedKind, Profile, TextClassifier};
///
/// let mut classifier = TextClassifier::new(Profile::Refined);
/// for line in ["copying 17 files", "cp: error writing 'a.vhdx': No space left on device"] {
///     classifier.line(line);
/// }
/// let class = classifier.finish();
/// assert_eq!(class.documented_kind(), DocumentedKind::OutOfCapacity);
/// assert_eq!(class.evidence()[0].line(), Some(2));
/// ```
pub struct TextClassifier {
    collector: Collector,
    lines: u32,
    /// UTF-16 without its zero bytes.
    narrow: Vec<u8>,
}

impl TextClassifier {
    /// Creates a classifier that has seen nothing.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        Self { collector: Collector::new(profile), lines: 0, narrow: Vec::new() }
    }

    /// Reads one more line, or a piece of a line that is too long to hold in memory.
    pub fn line(&mut self, line: impl AsRef<[u8]>) {
        self.lines = self.lines.saturating_add(1);
        // In pieces, so that narrowing a long line takes little memory.
        for piece in pieces(line.as_ref()) {
            if !piece.contains(&0) {
                scan(piece, self.lines, &mut self.collector);
                continue;
            }
            self.narrow.clear();
            self.narrow.extend(piece.iter().filter(|byte| **byte != 0));
            scan(&self.narrow, self.lines, &mut self.collector);
        }
    }

    /// Classifies all lines together by the most telling evidence; among equals, the first counts.
    #[must_use]
    pub fn finish(self) -> Classification {
        self.collector.finish()
    }
}

impl std::fmt::Debug for TextClassifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextClassifier").field("lines", &self.lines).finish_non_exhaustive()
    }
}

/// Adds what one line says.
pub(super) fn scan(line: &[u8], number: u32, collector: &mut Collector) {
    let mut at = 0;
    while at < line.len() {
        if !WORD[usize::from(line[at])] {
            at += 1;
            continue;
        }
        let start = at;
        while at < line.len() && WORD[usize::from(line[at])] {
            at += 1;
        }
        let word = &line[start..at];
        let found = match word[0] {
            b'0'..=b'9' => number::read(line, start, at, collector.profile),
            b'A'..=b'Z' | b'c' | b'd' => by_name(word, collector.profile),
            _ => None,
        };
        if let Some(evidence) = found {
            collector.add(evidence.at_line(number));
        }
    }
    wording::each(line, |row, clear| {
        let evidence = Evidence::new(Form::Wording, 0, row, collector.profile).at_line(number);
        // Between an ambiguous NTSTATUS and a clear one.
        collector.add(if clear { evidence.weighing(88) } else { evidence });
    });
}

/// Classifies a code alone: `53`, `0xC000006D`, `-2147024784`, `ENOSPC`.
fn classify_bare(text: &[u8], profile: Profile) -> Option<Classification> {
    let text = std::str::from_utf8(text.get(..text.len().min(32))?).ok()?;
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        let code = number::hexadecimal(digits.as_bytes())?;
        // Few digits: a Win32 code, as on Microsoft's pages (0x35). Eight: an NTSTATUS or HRESULT.
        return Some(match () {
            () if digits.len() <= 4 => classify_win32(code, profile),
            () if code >> 31 != 0 => of_hresult(code, profile),
            () if ntstatus::find(code).is_none() && code <= 0xFFFF => classify_win32(code, profile),
            () => classify_ntstatus(code, profile),
        });
    }
    let value: i64 = text.parse().ok()?;
    Some(match value {
        0..=0xFFFF => classify_win32(value as u32, profile),
        -4095..0 => classify_errno(value as i32, profile),
        -0x8000_0000..-4095 => of_hresult(value as u32, profile),
        0x8000_0000..=0xFFFF_FFFF => of_hresult(value as u32, profile),
        0x1_0000..0x8000_0000 => classify_ntstatus(value as u32, profile),
        _ => return None,
    })
}

fn of_hresult(code: u32, profile: Profile) -> Classification {
    match hresult_row(code) {
        (Form::Ntstatus, _) => classify_ntstatus(code, profile),
        _ => classify_hresult(code.cast_signed(), profile),
    }
}

fn by_name(word: &[u8], profile: Profile) -> Option<Evidence> {
    if word.len() < 4 {
        return None;
    }
    if word.ends_with(b"Fault") {
        let kind = AlertKind::from_fault_type_id(std::str::from_utf8(word).ok()?)?;
        return Some(Evidence::new(Form::FaultType, 0, fault_type::row(kind), profile));
    }
    // `C000006D` without 0x.
    if word.len() == 8 && matches!(word[0], b'C' | b'c' | b'D' | b'd') {
        let code = number::hexadecimal(word)?;
        let (form, row) = hresult_row(code);
        return row.map(|row| Evidence::new(form, code, row, profile));
    }
    let bare = word.strip_prefix(b"NT_").unwrap_or(word);
    if bare == b"STATUS_OK" {
        return Some(Evidence::new(Form::Ntstatus, 0, &NO_FAILURE, profile));
    }
    let row = match bare.strip_prefix(b"WERR_") {
        Some(rest) => named("ERROR_", rest)?,
        // Linux's kernel omits the prefix: `BAD_NETWORK_NAME: \\\\fileserver01\\x`.
        None => {
            NAMES.get(bare).copied().or_else(|| named("STATUS_", bare).filter(|_| bare.contains(&b'_')))?
        }
    };
    Some(Evidence::new(row.form, row.code, row, profile))
}

/// Finds the row of a name without its prefix.
fn named(prefix: &str, rest: &[u8]) -> Option<&'static Finding> {
    let mut name = [0; 64];
    let whole = name.get_mut(..prefix.len() + rest.len())?;
    whole[..prefix.len()].copy_from_slice(prefix.as_bytes());
    whole[prefix.len()..].copy_from_slice(rest);
    NAMES.get(&*whole).copied()
}

static NAMES: LazyLock<HashMap<&'static [u8], &'static Finding>> = LazyLock::new(|| {
    let tables = [ntstatus::ROWS, win32::ROWS, errno::ROWS, hresult::ROWS, http::CODES, error_kind::ROWS];
    let rows = tables.into_iter().flatten();
    // Our own words without an underscore, such as IO, are also ordinary words.
    let telling = rows.filter(|row| row.form != Form::Error || row.name.contains('_'));
    telling.map(|row| (row.name.as_bytes(), row)).collect()
});

/// Splits the line into pieces of at most 64 KiB, between words if possible.
fn pieces(mut line: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        if line.is_empty() {
            return None;
        }
        let most = line.len().min(PIECE);
        let cut = match most < line.len() {
            true => {
                line[..most].iter().rposition(|b| *b == b' ').filter(|at| *at > PIECE / 2).unwrap_or(most)
            }
            false => most,
        };
        let (piece, rest) = line.split_at(cut);
        line = rest;
        Some(piece)
    })
}

const PIECE: usize = 64 << 10;

/// The bytes that words consist of.
static WORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'_';
        byte += 1;
    }
    table
};
