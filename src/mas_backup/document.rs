//! XML as Azure Stack Hub writes it, read within bounds: elements by name, in any order, and nothing that a document
//! type could bring in.

use std::collections::BTreeSet;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Largest document in bytes. Azure Stack Hub's have a few KiB.
pub(super) const MAX_DOCUMENT: u64 = 1 << 20;
/// Deepest nesting of elements.
const DEEPEST: usize = 32;
const MOST_ELEMENTS: usize = 50_000;

/// An element with the text and the elements in it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) children: Vec<Element>,
    /// Of the root: what .NET's reader might refuse or take otherwise.
    pub(super) doubts: Vec<String>,
}

/// Why a document is not read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Refusal {
    /// It has a document type definition.
    DocumentType,
    Unreadable(String),
}

impl Element {
    /// Reads a document and returns its root element.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let unreadable = |why: String| Refusal::Unreadable(why);
        if bytes.len() as u64 > MAX_DOCUMENT {
            return Err(unreadable(format!("it is longer than {MAX_DOCUMENT} bytes")));
        }
        let text = decode(bytes).ok_or_else(|| unreadable("it is not Unicode text".into()))?;
        let mut reader = Reader::from_str(&text);
        // The elements that are open, from the root down.
        let mut open: Vec<Element> = Vec::new();
        let mut root: Option<Element> = None;
        let mut count = 0;
        let mut doubts = BTreeSet::new();
        loop {
            let event = reader.read_event().map_err(|e| unreadable(e.to_string()))?;
            match event {
                Event::Start(start) | Event::Empty(start) if root.is_some() => {
                    let name = named(start.local_name().as_ref()).name;
                    return Err(unreadable(format!("{name} follows the end of the document")));
                }
                Event::Start(start) => {
                    doubts.extend(doubt(&start));
                    count += 1;
                    if open.len() == DEEPEST || count > MOST_ELEMENTS {
                        return Err(unreadable(format!(
                            "it nests deeper than {DEEPEST} elements or has too many"
                        )));
                    }
                    open.push(named(start.local_name().as_ref()));
                }
                Event::Empty(empty) => {
                    doubts.extend(doubt(&empty));
                    count += 1;
                    if count > MOST_ELEMENTS {
                        return Err(unreadable("it has too many elements".into()));
                    }
                    close(named(empty.local_name().as_ref()), &mut open, &mut root);
                }
                Event::End(_) => {
                    let Some(element) = open.pop() else {
                        return Err(unreadable("it ends too often".into()));
                    };
                    close(element, &mut open, &mut root);
                }
                Event::Text(part) => {
                    append(&mut open, &part).map_err(unreadable)?;
                }
                Event::CData(part) => {
                    append(&mut open, &part).map_err(unreadable)?;
                }
                Event::GeneralRef(reference) => {
                    let resolved = match reference.resolve_char_ref() {
                        Ok(Some(c)) => Some(c),
                        Ok(None) => predefined(reference.as_ref()),
                        Err(e) => return Err(unreadable(e.to_string())),
                    };
                    let Some(c) = resolved else {
                        return Err(unreadable("it refers to an unknown entity".into()));
                    };
                    append(&mut open, c.encode_utf8(&mut [0; 4])).map_err(unreadable)?;
                }
                Event::DocType(_) => return Err(Refusal::DocumentType),
                Event::Decl(declaration) => {
                    let encoding = declaration.encoding().and_then(Result::ok).unwrap_or_default();
                    let is_wide = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
                    let said = encoding.to_ascii_lowercase();
                    let fits =
                        said.is_empty() || if is_wide { &*said == "utf-16" } else { &*said == "utf-8" };
                    let is_known = declaration.version().is_ok_and(|version| &*version == "1.0");
                    if !is_known || !fits {
                        doubts.insert("its XML declaration is not one of Azure Stack Hub's".into());
                    }
                }
                // Names that begin so are not for anybody's use (XML 1.0, 2.6): it is a broken declaration.
                Event::PI(pi) if pi.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("xml")) => {
                    return Err(unreadable("its XML declaration is broken".into()));
                }
                Event::PI(_) | Event::Comment(_) => {}
                Event::Eof => break,
            }
        }
        match root {
            Some(root) if open.is_empty() => Ok(Self { doubts: doubts.into_iter().collect(), ..root }),
            _ => Err(unreadable("it ends early".into())),
        }
    }

    /// The first element of this name in this one. Names are those of .NET's serializer, which minds letter case.
    pub(super) fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text of the element at the end of this way; `None` if it is missing or empty.
    pub(super) fn text_of(&self, names: &[&str]) -> Option<&str> {
        let found = names.iter().try_fold(self, |element, name| element.child(name))?;
        Some(found.text.trim()).filter(|text| !text.is_empty())
    }
}

/// What is odd about the beginning of an element: Azure Stack Hub's are in no namespace, and have no attributes but for
/// the declarations that .NET always writes.
fn doubt(start: &BytesStart<'_>) -> Option<String> {
    if start.name().prefix().is_some() {
        return Some("an element has a prefix".into());
    }
    for attribute in start.attributes() {
        let Ok(attribute) = attribute else {
            return Some("an attribute cannot be read or is there twice".into());
        };
        match attribute.key.as_ref() {
            "xmlns" => return Some("an element is in a namespace".into()),
            name if !name.starts_with("xmlns:") => return Some("an element has attributes".into()),
            _ => {}
        }
    }
    None
}

fn named(name: &str) -> Element {
    Element { name: name.to_owned(), ..Element::default() }
}

fn close(element: Element, open: &mut [Element], root: &mut Option<Element>) {
    match open.last_mut() {
        Some(above) => above.children.push(element),
        None => *root = Some(element),
    }
}

fn append(open: &mut [Element], part: &str) -> Result<(), String> {
    match open.last_mut() {
        Some(element) => element.text.push_str(part),
        None if part.trim_matches(['\u{feff}', ' ', '\t', '\r', '\n']).is_empty() => {}
        None => return Err("there is text outside of its root element".into()),
    }
    Ok(())
}

fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "apos" => '\'',
        "quot" => '"',
        _ => return None,
    })
}

/// Reads UTF-8, or UTF-16 with a byte order mark.
fn decode(bytes: &[u8]) -> Option<String> {
    let wide = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let text: Result<String, _> = char::decode_utf16(pairs.iter().map(|pair| read(*pair))).collect();
        text.ok().filter(|_| rest.is_empty())
    };
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes)?,
        [0xef, 0xbb, 0xbf, rest @ ..] => str::from_utf8(rest).ok()?.to_owned(),
        _ => str::from_utf8(bytes).ok()?.to_owned(),
    };
    // XML has none of these (XML 1.0, 2.2).
    let is_allowed = |c: char| c >= ' ' || matches!(c, '\t' | '\r' | '\n');
    text.chars().all(is_allowed).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(text: &str) -> String {
        match Element::parse(text.as_bytes()).unwrap_err() {
            Refusal::DocumentType => "document type".into(),
            Refusal::Unreadable(why) => why,
        }
    }

    #[test]
    fn elements_are_found_by_name_whatever_their_order_and_prefix() {
        let text = "<?xml version=\"1.0\"?>\r\n<a xmlns:x=\"urn:x\"><!-- c --><x:c><d>1 &lt; 2&#x21;</d></x:c><b /></a>\r\n";
        let root = Element::parse(text.as_bytes()).unwrap();
        assert_eq!((root.name.as_str(), root.text_of(&["c", "d"])), ("a", Some("1 < 2!")));
        assert_eq!((root.text_of(&["b"]), root.text_of(&["c", "e"])), (None, None));
    }

    #[test]
    fn utf_16_is_read_with_its_mark() {
        let text = "<a><b>é</b></a>";
        let bytes: Vec<u8> =
            [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(Element::parse(&bytes).unwrap().text_of(&["b"]), Some("é"));
        assert!(Element::parse(&bytes[..bytes.len() - 1]).is_err());
    }

    #[test]
    fn what_is_no_document_is_refused() {
        assert_eq!(why("<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>"), "document type");
        assert!(why("<a>&e;</a>").contains("unknown entity"));
        for text in
            ["", " ", "x", "<a>", "<a></b>", "</a>", "<a/><b/>", "<a/>x", "<a>\u{0}</a>", "<a>&#0;</a>", "<a"]
        {
            assert!(Element::parse(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(why(&"<a>".repeat(DEEPEST + 1)).contains("nests deeper"));
        assert!(why(&format!("<a>{}</a>", "<b/>".repeat(MOST_ELEMENTS + 1))).contains("too many"));
        assert!(why(&" ".repeat(MAX_DOCUMENT as usize + 1)).contains("longer"));
    }
}
