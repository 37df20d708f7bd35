//! Decides what counts as `MASBackup`, the folder that Azure Stack Hub owns.

use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};
use unicode_security::skeleton;

/// Whether a file server, a client or a reader could take this name for `MASBackup`.
///
/// True for the name in any letter case and in each known disguise:
/// - dots and white space around it, which Win32 drops (Win32, "Naming Files, Paths, and Namespaces");
/// - a stream or type behind a colon, `::$DATA` (MS-FSCC 2.1.5.3), and whatever else a colon sets off;
/// - a path that contains it, `.\MASBackup`: each component is checked;
/// - 8.3 names: `MASBAC~1`, `MASBA~10`, NTFS's `MA1F2C~1`, Samba's `MASBA~QX` and `MH5HBP~O`;
/// - compatibility forms (full-width, circled, mathematical, superscript, long s, Kelvin sign: NFKD), accents,
///   invisible and direction characters, the private-use characters that stand for those that Win32 forbids, and what
///   looks the same by Unicode's own table (UTS 39, skeletons), plus small capitals.
///
/// It prefers to refuse: a folder `MÀSBackup` would be harmless, but nobody needs one.
///
/// ```
/// use azs_backup::layout::is_mas_backup;
///
/// assert!(is_mas_backup("MASBACKUP::$DATA"));
/// assert!(!is_mas_backup("MASBackup-notes"));
/// ```
#[must_use]
pub fn is_mas_backup(component: &str) -> bool {
    let mut plain = String::new();
    for c in component.chars().map(unmap_private_use) {
        let parts: String = std::iter::once(c).nfkd().filter(|&c| !is_invisible(c)).collect();
        // A character that decomposes into plain letters counts as those; some of the others look different once
        // decomposed.
        match look_alike(c) {
            Some(letter) if !parts.is_ascii() => plain.push(letter),
            _ => plain.extend(parts.chars().map(|c| look_alike(c).unwrap_or(c))),
        }
    }
    plain
        .split(['\\', '/', ':'])
        .map(|piece| piece.trim_matches(|c: char| c == '.' || c.is_whitespace()))
        .any(|piece| piece == MAS_BACKUP || piece == SPLIT_M || is_short_name(piece))
}

/// Whether this is an 8.3 name that file servers give a folder `MASBackup`; `name` is in capitals.
fn is_short_name(name: &str) -> bool {
    let Some((stem, tail)) = name.split_once('~') else {
        return false;
    };
    let digits = !tail.is_empty() && tail.len() <= 7 && tail.bytes().all(|b| b.is_ascii_digit());
    let base_36 = matches!(tail.len(), 1..=3) && tail.bytes().all(|b| b.is_ascii_alphanumeric());

    // FAT and NTFS: the stem gets shorter as the number gets longer. Samba's "mangling method = hash": five letters.
    let cut = !stem.is_empty() && MAS_BACKUP.starts_with(stem);
    if cut && (digits || base_36 && stem.len() >= 5) {
        return true;
    }
    // NTFS, from the fifth name with the same beginning: two letters and a checksum of the long name.
    let checksum = stem.strip_prefix("MA");
    if digits && checksum.is_some_and(|hex| matches!(hex.len(), 1..=4) && is_hex(hex)) {
        return true;
    }
    // Samba's "mangling method = hash2" only looks up the hash: it finds the folder whatever the first letter is.
    SAMBA_HASH2.contains(&name) || name.chars().count() == 8 && name.ends_with(&SAMBA_HASH2[0][1..])
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Whether a character takes no room, or only turns or decorates its neighbours.
fn is_invisible(c: char) -> bool {
    use GeneralCategory::{Control, EnclosingMark, Format, NonspacingMark, PrivateUse, SpacingMark};
    // White space at the ends is trimmed like a blank; between letters it is visible, and makes another name.
    let is_format = match c.general_category() {
        Control => !c.is_whitespace(),
        EnclosingMark | Format | NonspacingMark | PrivateUse | SpacingMark => true,
        _ => false,
    };
    // Ignorable by default or blank, but of another category.
    is_format
        || matches!(c,
            '\u{115F}' | '\u{1160}' | '\u{2065}' | '\u{2800}' | '\u{3164}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFD}'
            | '\u{E0000}'..='\u{E0FFF}')
}

/// Turns U+F001 to U+F07F, which SMB clients write for characters that Win32 forbids, into those characters.
fn unmap_private_use(c: char) -> char {
    match c {
        // Services for Macintosh and the `mapposix` mount option of Linux.
        '\u{F020}' => '"',
        '\u{F021}' => '*',
        '\u{F022}' => ':',
        '\u{F026}' => '\\',
        '\u{F027}' => '|',
        '\u{F028}' => ' ',
        '\u{F029}' => '.',
        // Services for Unix and Cygwin: the ASCII character plus 0xF000.
        '\u{F02F}' => '/',
        '\u{F03A}' => ':',
        '\u{F05C}' => '\\',
        _ => c,
    }
}

/// Returns the capital Latin letter or ASCII sign that `c` is, or looks like.
fn look_alike(c: char) -> Option<char> {
    match c {
        'a'..='z' | 'A'..='Z' => return Some(c.to_ascii_uppercase()),
        ' '..='\u{7E}' => return Some(c),
        // Unicode's table treats small capitals as separate letters, and also small letters that look like capitals.
        'ᴍ' | 'м' | 'μ' | 'ⲙ' => return Some('M'),
        'ᴀ' => return Some('A'),
        'ꜱ' => return Some('S'),
        'ʙ' | 'в' | 'β' => return Some('B'),
        'ᴄ' => return Some('C'),
        'ᴋ' | 'к' | 'κ' => return Some('K'),
        'ᴜ' => return Some('U'),
        'ᴘ' => return Some('P'),
        '\u{2044}' | '\u{2215}' | '\u{29F8}' => return Some('/'),
        '\u{2216}' | '\u{29F5}' | '\u{29F9}' => return Some('\\'),
        '\u{2236}' | '\u{A789}' => return Some(':'),
        '\u{223C}' => return Some('~'),
        // White-on-black letters, which have no decomposition: circled, squared; and flag letters.
        '\u{1F150}'..='\u{1F169}' => return Some(letter(c, 0x1F150)),
        '\u{1F170}'..='\u{1F189}' => return Some(letter(c, 0x1F170)),
        '\u{1F1E6}'..='\u{1F1FF}' => return Some(letter(c, 0x1F1E6)),
        _ => {}
    }
    // File servers ignore letter case, so it is enough if either case looks like it.
    [c.to_string(), c.to_uppercase().to_string(), c.to_lowercase().to_string()].iter().find_map(|form| {
        let skeleton: String = skeleton(form).filter(|&c| !is_invisible(c)).collect();
        let mut letters = skeleton.chars();
        match (letters.next(), letters.next(), letters.next()) {
            (Some(letter), None, None) if letter.is_ascii_alphabetic() => Some(letter.to_ascii_uppercase()),
            // The table writes an m that way.
            (Some('r'), Some('n'), None) => Some('M'),
            _ => None,
        }
    })
}

fn letter(c: char, first: u32) -> char {
    // Each of the ranges above has 26 letters.
    char::from(b'A' + (u32::from(c) - first) as u8)
}

const MAS_BACKUP: &str = "MASBACKUP";
/// An r and an n look like an m.
const SPLIT_M: &str = "RNASBACKUP";

/// Samba's 8.3 names of `MASBackup` for `mangle prefix` 1 to 6: the hash ignores letter case.
const SAMBA_HASH2: [&str; 6] = ["MH5HBP~O", "MA5HBP~O", "MASHBP~O", "MASBBP~O", "MASBAP~O", "MASBAC~O"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samba_names_are_what_samba_computes() {
        // FNV-1 with Samba's own offset, cut to 31 bits, in base 36 (mangle_hash2.c).
        let hash = MAS_BACKUP
            .bytes()
            .fold(0xa6b9_3095_u32, |hash, byte| hash.wrapping_mul(0x0100_0193) ^ u32::from(byte))
            & 0x7fff_ffff;
        for (name, prefix) in SAMBA_HASH2.into_iter().zip(1..) {
            let mut rest = hash;
            let mut short = [b'~'; 8];
            short[..prefix].copy_from_slice(&MAS_BACKUP.as_bytes()[..prefix]);
            for place in (prefix..6).chain([7]).rev() {
                short[place] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[(rest % 36) as usize];
                rest /= 36;
            }
            assert_eq!(name.as_bytes(), short);
        }
    }

    #[test]
    fn letters_that_look_alike_by_unicodes_table_are_found() {
        for name in [
            "MASBaϲkup",
            "MASBaϹkup",
            "MAꮪBackup",
            "MASBaꮯkup",
            "ϺASBackup",
            "MASЬackup",
            "MASꞴackup",
            "MASBackʋp",
            "MASBacⲔup",
            "rnASBackup",
            "МАЅВасkυр",
            "MASBac\u{13430}kup",
            "MASB\u{1BCA1}ackup",
            "M\u{600}ASBackup",
            "MAS\u{110BD}Backup",
        ] {
            assert!(is_mas_backup(name), "{name}");
        }
        // Test each character that the table takes for a letter of the name, in that letter's place.
        let mut found = 0;
        for c in ('\u{80}'..=char::MAX).filter(|c| c.is_alphanumeric()) {
            let prototype: String = skeleton(&c.to_string()).collect();
            for (at, letter) in "MASBackup".char_indices() {
                if [letter.to_ascii_lowercase(), letter.to_ascii_uppercase()]
                    .iter()
                    .any(|l| prototype == l.to_string())
                {
                    let name = format!("{}{c}{}", &"MASBackup"[..at], &"MASBackup"[at + 1..]);
                    assert!(is_mas_backup(&name), "{name}");
                    found += 1;
                }
            }
        }
        assert!(found > 300, "{found}");
    }

    #[test]
    fn ordinary_names_are_not_mas_backup() {
        for name in [
            "",
            ".",
            "..",
            "MAS",
            "Backup",
            "MASBackups",
            "MAS-Backup",
            "MAS Backup",
            "xMASBackup",
            "MASBackup1",
            "MASBackup.old",
            "HLH",
            "Switches",
            "MARTIN~1",
            "MODEL~2",
            "~1",
            "M~",
            "MASBAC~",
            "contoso.com",
            "АЅ",
            "RUNNER~1",
            "日本語",
        ] {
            assert!(!is_mas_backup(name), "{name}");
        }
    }
}
