//! Recipients as this library writes them, and as it refuses them.

use super::*;

fn message_algorithm(hash: &[u8], mask_hash: &[u8], label: &[u8]) -> Result<()> {
    let tlv = |tag: u8, body: &[u8]| [&[tag, body.len() as u8], body].concat();
    let mask = [&ID_MGF1.to_der().unwrap()[..], mask_hash].concat();
    let mut parameters = [tlv(0xa0, hash), tlv(0xa1, &tlv(0x30, &mask))].concat();
    parameters.extend_from_slice(label);
    let algorithm = [ID_RSAES_OAEP.to_der().unwrap(), tlv(0x30, &parameters)].concat();
    let identity = tlv(0x30, &[0x30, 0, 2, 1, 1]);
    let trans = [&[2, 1, 0][..], &identity, &tlv(0x30, &algorithm), &[4, 1, 0]].concat();
    KeyTrans::from_der(&tlv(0x30, &trans)).map_err(malformed("test"))?.check_algorithm()
}

#[test]
fn hash_parameters_are_absent_or_null_and_nothing_else() {
    let sha256 = ID_SHA256.to_der().unwrap();
    let absent = [&[0x30, sha256.len() as u8][..], &sha256].concat();
    let null = [&[0x30, sha256.len() as u8 + 2][..], &sha256, &[5, 0]].concat();
    let other = [&[0x30, sha256.len() as u8 + 3][..], &sha256, &[2, 1, 0]].concat();
    for (hash, mask, fits) in
        [(&absent, &absent, true), (&null, &null, true), (&absent, &null, true), (&other, &absent, false)]
    {
        assert_eq!(message_algorithm(hash, mask, &[]).is_ok(), fits);
    }
}

#[test]
fn only_the_empty_label_is_taken() {
    let sha256 = ID_SHA256.to_der().unwrap();
    let hash = [&[0x30, sha256.len() as u8][..], &sha256].concat();
    let oid = ID_P_SPECIFIED.to_der().unwrap();
    let label = |label: &[u8]| {
        let inner = [&oid[..], &[4, label.len() as u8], label].concat();
        [&[0xa2, inner.len() as u8 + 2, 0x30, inner.len() as u8][..], &inner].concat()
    };
    message_algorithm(&hash, &hash, &label(b"")).unwrap();
    let error = message_algorithm(&hash, &hash, &label(b"x")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}
