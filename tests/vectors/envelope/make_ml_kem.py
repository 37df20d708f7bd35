#!/usr/bin/env python3
"""Makes the envelope's vectors of ML-KEM, and puts them into ../envelope.json: those whose file names hold `mlkem`.

Run once, here: `make_ml_kem.py /path/to/openssl`, which has to be OpenSSL 3.6 or later; what it made is committed. The
vectors that are there were made by OpenSSL 3.6.3, built from the source that the crate `openssl-src` 300.6.1 has:
`./Configure no-shared no-module no-dso no-tests no-docs && make build_programs`. Keys are made anew, so every file
changes. The messages named `sealed-mlkem*` come from the library itself:
`cargo test --test envelope write_the_sealed_vectors -- --ignored`.
"""
import json, os, re, sys

from der import children, integer, oid, sequence, tlv
from generator import read, run, write

OPENSSL, PASSWORD = sys.argv[1], "correct horse"
CONTENT = b"hostname tor-1\nvlan 7\n"
KEYS = {"mlkem768": ("ML-KEM-768", 768), "mlkem1024": ("ML-KEM-1024", 1024)}
cases = []


def openssl(*args, data=None):
    return run(OPENSSL, *args, data=data)


def case(name, kind, file, data, error, **expect):
    if error:
        expect = {**expect, "error": error}
    cases.append({"name": name, "kind": kind, "file": write(file, data), **expect})


def cer(name, data, error=None, of=None):
    case(name, "cer", name + ".cer", data, error, **({} if error else {"facts": facts(of)}))


def pfx(name, data, error=None, of="mlkem768"):
    case(name, "pfx", name + ".pfx", data, error, password=PASSWORD, **({} if error else {"facts": facts(of)}))


def message(name, data, key="mlkem768", error=None):
    expect = {} if error else {"content": CONTENT.decode()}
    case(name, "message", name + ".p7m", data, error, pfx=key + ".pfx", password=PASSWORD, **expect)


# An issuer, which is not kept: a key of ML-KEM cannot sign its own certificate.
write("req.tmp.cnf", b"[req]\ndistinguished_name = name\n[name]\n")
openssl("req", "-config", "req.tmp.cnf", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "36500",
        "-keyout", "ca.tmp.key", "-out", "ca.tmp.pem", "-subj", "/C=US/O=Contoso/CN=issuer of mlkem")


def certificate(name, algorithm, usage="critical,keyEncipherment"):
    openssl("genpkey", "-algorithm", algorithm, "-out", f"{name}.tmp.key")
    openssl("pkey", "-in", f"{name}.tmp.key", "-pubout", "-out", f"{name}.tmp.pub")
    write("ext.tmp.cnf", f"keyUsage={usage}\nbasicConstraints=CA:FALSE\n".encode())
    openssl("x509", "-new", "-CA", "ca.tmp.pem", "-CAkey", "ca.tmp.key", "-force_pubkey", f"{name}.tmp.pub", "-days", "36500",
            "-subj", f"/C=US/O=Contoso/CN=backup {name}", "-extfile", "ext.tmp.cnf", "-out", f"{name}.tmp.pem")
    return openssl("x509", "-in", f"{name}.tmp.pem", "-outform", "DER")


def facts(name):
    text = openssl("x509", "-in", f"{name}.tmp.pem", "-noout", "-serial", "-dates", "-dateopt", "iso_8601", "-fingerprint", "-sha1").decode()
    text += openssl("x509", "-in", f"{name}.tmp.pem", "-noout", "-fingerprint", "-sha256").decode()
    find = lambda pattern: re.search(pattern, text, re.I).group(1)
    algorithm, bits = KEYS[name]
    return {
        "subject": f"CN=backup {name}, O=Contoso, C=US",
        "issuer": "CN=issuer of mlkem, O=Contoso, C=US",
        "serial": find(r"serial=(\w+)"),
        "sha1_thumbprint": find(r"sha1 Fingerprint=(\S+)").replace(":", ""),
        "sha256_thumbprint": find(r"sha256 Fingerprint=(\S+)").replace(":", ""),
        "not_before": find(r"notBefore=(.+)").replace(" ", "T"),
        "not_after": find(r"notAfter=(.+)").replace(" ", "T"),
        "key": {"algorithm": algorithm, "bits": bits},
    }


def export(name, key=None):
    return openssl("pkcs12", "-export", "-inkey", key or f"{name}.tmp.key", "-in", f"{name}.tmp.pem", "-passout", f"pass:{PASSWORD}",
                   "-keypbe", "AES-256-CBC", "-certpbe", "AES-256-CBC", "-macalg", "sha256")


for name, (algorithm, _) in KEYS.items():
    cer(name, certificate(name, algorithm), of=name)
    pfx(name, export(name), of=name)

# How a certificate comes.

der = read("mlkem768.cer")
ID_768 = oid("2.16.840.1.101.3.4.4.2")
cer("cer-mlkem-pem", read("mlkem768.tmp.pem"), of="mlkem768")
cer("cer-mlkem512", certificate("mlkem512", "ML-KEM-512"), "CERTIFICATE_UNSUITABLE")
cer("cer-mlkem-for-signing", certificate("signing", "ML-KEM-768", "critical,digitalSignature"), "CERTIFICATE_UNSUITABLE")
cer("cer-mlkem-for-agreement", certificate("agreement", "ML-KEM-768", "critical,keyAgreement"), "CERTIFICATE_UNSUITABLE")
# A coefficient that is not below the modulus of 3329 (FIPS 203, section 7.2): 12 bits of ones.
at = der.index(ID_768) + len(ID_768) + 5
assert der[at - 5 : at] == bytes.fromhex("038204a100")
cer("cer-mlkem-coefficient-too-large", der[:at] + b"\xff\xff" + der[at + 2 :], "CERTIFICATE_UNSUITABLE")
cer("cer-mlkem-of-another-strength", der.replace(ID_768, oid("2.16.840.1.101.3.4.4.3")), "CERTIFICATE_UNSUITABLE")

# How a private key comes (RFC 9935, section 6), in PKCS #8; `make` puts it into a PFX.


def key_bag(key, algorithm=sequence(ID_768)):
    return tlv(0x30, oid("1.2.840.113549.1.12.10.1.1") + tlv(0xA0, sequence(integer(0), algorithm, tlv(0x04, key))))


def make(*bags):
    """A PFX that nothing protects, as some vaults export it."""
    data = oid("1.2.840.113549.1.7.1")
    certificate = sequence(oid("1.2.840.113549.1.12.10.1.3"),
                           tlv(0xA0, sequence(oid("1.2.840.113549.1.9.22.1"), tlv(0xA0, tlv(0x04, der)))))
    safe = sequence(data, tlv(0xA0, tlv(0x04, sequence(certificate, *bags))))
    return sequence(integer(3), sequence(data, tlv(0xA0, tlv(0x04, sequence(safe)))))


private = list(children(next(children(openssl("pkey", "-in", "mlkem768.tmp.key", "-outform", "DER")))[1]))[2][1]
(_, seed), (_, expanded) = children(next(children(private))[1])
assert (len(seed), len(expanded)) == (64, 2400)
flip = lambda data, at: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
both = lambda seed, expanded: sequence(tlv(0x04, seed), tlv(0x04, expanded))
# OpenSSL exports both, or what there is.
write("form.tmp.key", openssl("pkey", "-in", "mlkem768.tmp.key", "-provparam", "ml-kem.output_formats=priv-only"))
pfx("pfx-mlkem-expanded-only", export("mlkem768", "form.tmp.key"))
pfx("pfx-mlkem-not-encrypted", make(key_bag(tlv(0x80, seed))))
pfx("pfx-mlkem-seed-of-another", make(key_bag(both(flip(seed, 0), expanded))), "MALFORMED")
pfx("pfx-mlkem-expanded-damaged", make(key_bag(both(seed, flip(expanded, 7)))), "MALFORMED")
pfx("pfx-mlkem-expanded-only-damaged", make(key_bag(tlv(0x04, flip(expanded, 7)))), "MALFORMED")
pfx("pfx-mlkem-seed-cut-off", make(key_bag(tlv(0x80, seed[:-1]))), "MALFORMED")
pfx("pfx-mlkem-seed-in-octets", make(key_bag(tlv(0x04, seed))), "MALFORMED")
pfx("pfx-mlkem-with-parameters", make(key_bag(tlv(0x80, seed), sequence(ID_768, b"\x05\x00"))), "UNSUPPORTED")
pfx("pfx-mlkem512", export("mlkem512"), "UNSUPPORTED")
pfx("pfx-mlkem-key-of-another", make(key_bag(tlv(0x80, flip(seed, 0)))), "CERTIFICATE_UNSUITABLE")

# Messages.


def encrypt(*names, cipher="-aes-256-gcm"):
    return openssl("cms", "-encrypt", cipher, "-binary", "-outform", "DER", *[arg for name in names for arg in to(name)], data=CONTENT)


def to(name):
    if "mlkem" in name:
        return ["-recip", f"{name}.tmp.pem"]
    write(f"{name}.tmp.pem", openssl("x509", "-in", f"{name}.cer"))
    return ["-recip", f"{name}.tmp.pem", *(["-keyopt", "ecdh_kdf_md:sha256"] if name.startswith("p")
                                            else ["-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256"])]


for name in KEYS:
    message(f"openssl-{name}", encrypt(name), name)
    # What it holds until the library writes its own.
    message(f"sealed-{name}", read(f"openssl-{name}.p7m"), name)
message("openssl-mlkem-several", encrypt("rsa2048", "mlkem768", "p256", "mlkem1024"), "mlkem1024")
message("openssl-mlkem-several-by-rsa", read("openssl-mlkem-several.p7m"), "rsa2048")
good = read("openssl-mlkem768.p7m")
message("mlkem-wrong-certificate", good, "mlkem1024", "WRONG_CERTIFICATE")
message("mlkem-tag-flipped", good[:-1] + bytes([good[-1] ^ 1]), error="DAMAGED")
message("mlkem-cut-off", good[:1000], error="MALFORMED")


def kem(change, message=good):
    """The message with other fields in its KEMRecipientInfo: `change` gets its type and the list of its fields, in DER."""
    content_type, explicit = children(next(children(message))[1])
    version, recipients, *rest = children(next(children(explicit[1]))[1])
    other = next(children(recipients[1]))
    assert other[0] == 0xA4
    kind, value = children(other[1])
    kind, fields = change(tlv(*kind), [tlv(*field) for field in children(value[1])])
    recipients = tlv(0x31, tlv(0xA4, kind + sequence(*fields)))
    return sequence(tlv(*content_type), tlv(0xA0, sequence(tlv(*version), recipients, *[tlv(*part) for part in rest])))


def field(at, value):
    """The message with another field in that place."""
    return kem(lambda kind, fields: (kind, fields[:at] + [value] + fields[at + 1 :]))


VERSION, RECIPIENT, ALGORITHM, CIPHERTEXT, DERIVATION, LENGTH, WRAP, ENCRYPTED = range(8)
assert kem(lambda kind, fields: (kind, fields)) == good
kept = []
kem(lambda kind, fields: (kind, kept.extend(fields) or fields))
ciphertext, = [body for _, body in children(kept[CIPHERTEXT])]
assert len(ciphertext) == 1088
message("mlkem-version-3", field(VERSION, integer(3)), error="MALFORMED")
message("mlkem-of-another-strength", field(ALGORITHM, sequence(oid("2.16.840.1.101.3.4.4.3"))), error="DAMAGED")
message("mlkem512", field(ALGORITHM, sequence(oid("2.16.840.1.101.3.4.4.1"))), error="UNSUPPORTED")
message("mlkem-with-parameters", field(ALGORITHM, sequence(ID_768, b"\x05\x00")), error="UNSUPPORTED")
message("mlkem-ciphertext-cut-off", field(CIPHERTEXT, tlv(0x04, ciphertext[:-1])), error="MALFORMED")
message("mlkem-ciphertext-empty", field(CIPHERTEXT, tlv(0x04, b"")), error="MALFORMED")
message("mlkem-ciphertext-changed", field(CIPHERTEXT, tlv(0x04, flip(ciphertext, 500))), error="DAMAGED")
# To another key: whoever decapsulates gets a secret that fits nothing.
openssl("genpkey", "-algorithm", "ML-KEM-768", "-out", "other.tmp.key")
openssl("pkeyutl", "-encap", "-inkey", "other.tmp.key", "-out", "other.tmp.ct", "-secret", "other.tmp.secret")
message("mlkem-ciphertext-of-another", field(CIPHERTEXT, tlv(0x04, read("other.tmp.ct"))), error="DAMAGED")
message("mlkem-hkdf-sha512", field(DERIVATION, sequence(oid("1.2.840.113549.1.9.16.3.30"))), error="UNSUPPORTED")
message("mlkem-hkdf-with-parameters", field(DERIVATION, sequence(oid("1.2.840.113549.1.9.16.3.28"), b"\x05\x00")), error="UNSUPPORTED")
message("mlkem-kek-length-16", field(LENGTH, integer(16)), error="MALFORMED")
message("mlkem-kek-length-beyond", field(LENGTH, integer(65536)), error="MALFORMED")
message("mlkem-aes128-wrap", field(WRAP, sequence(oid("2.16.840.1.101.3.4.1.5"))), error="UNSUPPORTED")
message("mlkem-encrypted-key-short", field(ENCRYPTED, tlv(0x04, bytes(39))), error="DAMAGED")
message("mlkem-user-key-material-added", field(LENGTH, integer(32) + tlv(0xA0, tlv(0x04, b"more"))), error="DAMAGED")
message("mlkem-field-missing", kem(lambda kind, fields: (kind, fields[:-1])), error="MALFORMED")
message("mlkem-field-too-many", kem(lambda kind, fields: (kind, fields + [integer(1)])), error="MALFORMED")
message("mlkem-other-recipient-of-another-kind", kem(lambda kind, fields: (oid("1.2.840.113549.1.9.16.13.4"), fields)), error="WRONG_CERTIFICATE")
message("mlkem-key-identifier", field(RECIPIENT, tlv(0x80, bytes(20))), error="WRONG_CERTIFICATE")
message("mlkem-aes-128-gcm", encrypt("mlkem768", cipher="-aes-128-gcm"), error="UNSUPPORTED")
message("mlkem-not-authenticated", encrypt("mlkem768", cipher="-aes-256-cbc"), error="UNSUPPORTED")

for name in os.listdir("."):
    if ".tmp." in name:
        os.remove(name)
with open("../envelope.json", encoding="utf-8") as file:
    others = [case for case in json.load(file) if "mlkem" not in case["file"]]
with open("../envelope.json", "w", encoding="utf-8") as file:
    json.dump(others + cases, file, indent=1, ensure_ascii=False)
    file.write("\n")
