//! Finds the codes among the numbers in a text, by their form and the words around them.

use super::code::hresult_row;
use super::evidence::Evidence;
use super::finding::Form;
use super::profile::Profile;
use super::{errno, ntstatus, win32};

/// Returns the evidence of the digits at `start..end`, if they are a known code.
pub(super) fn read(line: &[u8], start: usize, end: usize, profile: Profile) -> Option<Evidence> {
    let word = &line[start..end];
    if let Some(digits) = word.strip_prefix(b"0x").or_else(|| word.strip_prefix(b"0X")) {
        return of_hexadecimal(hexadecimal(digits)?, line, start, end, profile);
    }
    // Part of an address, version, time, percentage or path is not a code.
    let around = |at: usize| line.get(at).copied().unwrap_or(b' ');
    let digit_after = around(end + 1).is_ascii_digit();
    if matches!(around(end), b'.' | b':' | b',' | b'/' | b'-') && digit_after || around(end) == b'%' {
        return None;
    }
    let before = start.checked_sub(1).map_or(b' ', |at| line[at]);
    let digit_before = start >= 2 && line[start - 2].is_ascii_digit();
    if matches!(before, b'.' | b',' | b'/' | b'\\' | b'-') && digit_before {
        return None;
    }
    if word.len() == 8 && matches!(&word[..4], b"8007" | b"8009" | b"8013") && is_named(line, start).is_some()
    {
        return of_hexadecimal(hexadecimal(word)?, line, start, end, profile);
    }
    let value = decimal(word)?;
    let negative = before == b'-';
    let lead = if negative { start - 1 } else { start };
    if negative && value <= 4095 {
        // The kernel's `rc = -13`.
        let row = errno::find(value)?;
        let named = matches!(is_named(line, lead), Some(Named::Errno | Named::ReturnCode | Named::Anything));
        let kernel = nearby(line, start, end).windows(4).any(|part| part == b"CIFS");
        return (named || kernel).then(|| Evidence::new(Form::Errno, value, row, profile));
    }
    if negative || value >= 0x8000_0000 {
        let code = if negative { value.wrapping_neg() } else { value };
        let (form, row) = hresult_row(code);
        let row = row?;
        return (code >> 31 == 1).then(|| Evidence::new(form, code, row, profile).guessed());
    }
    if value == 0 || value > 15_999 {
        return None;
    }
    let named = is_named(line, lead).or_else(|| is_named_after(line, end))?;
    // `error: 2 files were not copied` is a count.
    let counts = around(end) == b' ' && around(end + 1).is_ascii_lowercase() && value < 32;
    if matches!(named, Named::Anything) && counts {
        return None;
    }
    of_small(value, named, nearby(line, start, end), profile)
}

fn of_hexadecimal(code: u32, line: &[u8], start: usize, end: usize, profile: Profile) -> Option<Evidence> {
    if code >> 31 == 1 {
        let (form, row) = hresult_row(code);
        let row = row?;
        return Some(Evidence::new(form, code, row, profile));
    }
    if end - start == 10
        && let Some(row) = ntstatus::find(code)
    {
        return Some(Evidence::new(Form::Ntstatus, code, row, profile));
    }
    let row = win32::find(code)?;
    is_named(line, start)?;
    Some(Evidence::new(Form::Win32, code, row, profile).guessed())
}

fn of_small(value: u32, named: Named, around: &[u8], profile: Profile) -> Option<Evidence> {
    let of_errno = || errno::find(value).map(|row| Evidence::new(Form::Errno, value, row, profile));
    let of_win32 = || win32::find(value).map(|row| Evidence::new(Form::Win32, value, row, profile));
    match named {
        Named::Mount => {
            // mount.cifs: the only errno that a wrong password causes; trying again sends the password again.
            let row = if value == 13 { Some(&MOUNT_EACCES) } else { errno::find(value) };
            row.map(|row| Evidence::new(Form::Errno, value, row, profile).weighing(75))
        }
        Named::Errno => of_errno(),
        Named::System => of_win32(),
        // Rust prints errno and Win32 codes alike. The words beside the code tell which system it was.
        Named::RustOs => match named_beside(value, around).unwrap_or(NATIVE) {
            Form::Errno => of_errno().or_else(of_win32),
            _ => of_win32(),
        },
        // Any error number: a Windows one, unless the words are those of the errno.
        Named::Anything => {
            if named_beside(value, around) == Some(Form::Errno) {
                return of_errno();
            }
            let evidence = of_win32()?;
            (evidence.weight() > 10).then(|| evidence.guessed())
        }
        Named::ReturnCode => None,
    }
}

/// Returns the form of the sentence beside a number, if both mean the same code.
fn named_beside(value: u32, around: &[u8]) -> Option<Form> {
    let mut form = None;
    super::wording::each(around, |row, _| form = form.or((row.code == value).then_some(row.form)));
    form
}

/// What the words before a number call it.
#[derive(Clone, Copy)]
enum Named {
    /// `mount error(13)`.
    Mount,
    /// `errno 28`, `[Errno 28]`.
    Errno,
    /// `System error 53`, `[WinError 53]`.
    System,
    /// `(os error 28)`.
    RustOs,
    /// `return code = -13`: an errno only if it has a sign.
    ReturnCode,
    /// `error 53`, `code: 53`.
    Anything,
}

/// Returns the text around a number that may tell what it is: bounded, because lines are not.
fn nearby(line: &[u8], start: usize, end: usize) -> &[u8] {
    &line[start.saturating_sub(160)..line.len().min(end + 80)]
}

fn is_named(line: &[u8], start: usize) -> Option<Named> {
    let before = &line[start.saturating_sub(48)..start];
    let gap =
        |byte: &u8| matches!(byte, b' ' | b'\t' | b'(' | b'[' | b':' | b'=' | b'#' | b'"' | b'\'' | b'`');
    let kept = before.iter().rposition(|byte| !gap(byte))? + 1;
    let before = &before[..kept];
    // `erreur système` in a DOS code page.
    if ends_with(before, "me")
        && before[..before.len() - 2].windows(11).any(|part| part.eq_ignore_ascii_case(b"erreur syst"))
    {
        return Some(Named::System);
    }
    let (_, named) = NAMED.iter().find(|(name, _)| ends_with(before, name))?;
    if matches!(named, Named::Anything)
        && ends_with_any(before, &["exit code", "exit status", "line", "zero code"])
    {
        return None;
    }
    Some(*named)
}

/// `53 エラー`, `53 错误`.
fn is_named_after(line: &[u8], end: usize) -> Option<Named> {
    let after = line.get(end..)?.trim_ascii_start();
    let words = ["エラー", "错误", "錯誤", "号错误", "오류"];
    words.iter().any(|word| after.starts_with(word.as_bytes())).then_some(Named::System)
}

fn ends_with(text: &[u8], end: &str) -> bool {
    let Some(at) = text.len().checked_sub(end.len()) else { return false };
    text[at..].eq_ignore_ascii_case(end.as_bytes())
}

fn ends_with_any(text: &[u8], ends: &[&str]) -> bool {
    ends.iter().any(|end| ends_with(text, end))
}

/// Longest first: `os error` is also an `error`.
const NAMED: &[(&str, Named)] = &[
    ("mount error", Named::Mount),
    ("system error", Named::System),
    ("system error code", Named::System),
    ("win32 error code", Named::System),
    ("os error", Named::RustOs),
    ("errno", Named::Errno),
    ("winerror", Named::System),
    ("win32 error", Named::System),
    ("win32exception", Named::System),
    ("win32", Named::System),
    ("lasterror", Named::System),
    ("return code", Named::ReturnCode),
    (" rc", Named::ReturnCode),
    // Windows' "system error" in other languages. The last letters suffice, whatever the code page made of the first.
    ("systemfehler", Named::System),
    ("systemfel", Named::System),
    ("systemfejl", Named::System),
    ("systemfeil", Named::System),
    ("systeemfout", Named::System),
    ("erreur système", Named::System),
    ("erreur systeme", Named::System),
    ("de sistema", Named::System),
    ("di sistema", Named::System),
    ("do sistema", Named::System),
    ("del sistema", Named::System),
    ("systemu", Named::System),
    ("chyba", Named::System),
    ("системная ошибка", Named::System),
    ("Системная ошибка", Named::System),
    ("システム エラー", Named::System),
    ("システムエラー", Named::System),
    ("系统错误", Named::System),
    ("系統錯誤", Named::System),
    ("系统发生", Named::System),
    ("系統發生", Named::System),
    ("시스템 오류", Named::System),
    ("error code", Named::Anything),
    ("fehlercode", Named::Anything),
    ("error", Named::Anything),
    ("fehler", Named::Anything),
    ("erreur", Named::Anything),
    ("errore", Named::Anything),
    ("erro", Named::Anything),
    ("fout", Named::Anything),
    ("ошибка", Named::Anything),
    ("エラー", Named::Anything),
    ("错误", Named::Anything),
    ("錯誤", Named::Anything),
    ("오류", Named::Anything),
    ("hresult", Named::Anything),
    ("status", Named::Anything),
    ("code", Named::Anything),
];

/// Parses up to eight hexadecimal digits, or the sixteen of a sign-extended code.
pub(super) fn hexadecimal(digits: &[u8]) -> Option<u32> {
    let digits = match digits.len() {
        1..=8 => digits,
        16 if digits[..8].eq_ignore_ascii_case(b"ffffffff") => &digits[8..],
        _ => return None,
    };
    digits.iter().try_fold(0, |value, digit| Some(value << 4 | char::from(*digit).to_digit(16)?))
}

fn decimal(digits: &[u8]) -> Option<u32> {
    if digits.len() > 10 {
        return None;
    }
    digits
        .iter()
        .try_fold(0_u32, |value, digit| value.checked_mul(10)?.checked_add(char::from(*digit).to_digit(10)?))
}

const NATIVE: Form = if cfg!(windows) { Form::Win32 } else { Form::Errno };

static MOUNT_EACCES: super::finding::Finding = super::finding::Finding {
    form: Form::Errno,
    code: 13,
    name: "EACCES",
    win32: 5,
    kind: super::kind::AlertKind::Authentication,
    retry: super::retry::Retry::LockOut,
    meaning: "the server refused the mount: a wrong account or password, or no right to the share",
    or: None,
    probe: None,
};
