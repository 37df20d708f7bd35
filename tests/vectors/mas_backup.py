#!/usr/bin/env python3
"""Makes tests/vectors/mas_backup.json: a synthetic MASBackup, and what is changed in it to break it in each known way.

  mas_backup.py [VECTORS]         writes the vectors
  mas_backup.py --tree FOLDER     writes the healthy tree and its keys as files, to look at or to show a program
  mas_backup.py --list            the names of the breaks, and what a reader should find

It needs the package `cryptography`, and shares no code with the library; docs/masbackup.md has the facts that both
follow. Before it writes, it compares each tree with a decryptor and a chain builder of its own. Ids, times and data keys
come from a fixed seed: use the output for nothing but tests.
"""
import argparse, base64, datetime as dt, hashlib, hmac, io, json, os, random, shutil, struct, sys, uuid, zipfile
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape
from cryptography import x509
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as rsapad, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

NIL = "00000000-0000-0000-0000-000000000000"
PASSWORD = b"Test-Passw0rd"                      # of both PFX files
CRP, NRP, SRP = "CRP;Microsoft.Compute.Admin;-;Quota", "NRP;Microsoft.Network.Admin;-;Quota", "SRP;SRP;-;-"
WAS, CSS = "WAS;WasService;-;Microsoft.AzureStack.Subscriptions", "SYNTH;ServiceFabricCss;-;-"  # CSS: invented name
REPOS = [CRP, NRP, SRP, WAS, CSS]
PROGRESSIVE = {WAS}
OLD, NEW = "1.2102.0.9", "1.2301.2.58"           # stores = stamp versions
DEPLOYMENT, OEM = "d3236bc0-6a46-4877-a9da-6fe69e9661df", "2.2.2301.7"
U = dt.timezone.utc


# ------------------------------------------------------------------ keys
_pairs = {}


def make_pair(d, name, bits, days_ago):
    p = os.path.join(d, name + ".pfx")
    if p in _pairs: return _pairs[p]
    if not os.path.exists(p):
        key = rsa.generate_private_key(65537, bits)
        nm = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"masbackup-test-{name}")])
        t = dt.datetime.now(U) - dt.timedelta(days=days_ago)
        crt = (x509.CertificateBuilder().subject_name(nm).issuer_name(nm).public_key(key.public_key())
               .serial_number(x509.random_serial_number()).not_valid_before(t)
               .not_valid_after(t + dt.timedelta(days=365)).sign(key, hashes.SHA256()))
        os.makedirs(d, exist_ok=True)
        with open(p, "wb") as f:
            f.write(pkcs12.serialize_key_and_certificates(name.encode(), key, crt, None,
                    serialization.BestAvailableEncryption(PASSWORD)))
        with open(os.path.join(d, name + ".cer"), "wb") as f:
            f.write(crt.public_bytes(serialization.Encoding.DER))
    key, crt, _ = pkcs12.load_key_and_certificates(open(p, "rb").read(), PASSWORD)
    _pairs[p] = {"key": key, "pub": crt.public_key(), "thumb": crt.fingerprint(hashes.SHA1()).hex().upper(), "path": p}
    return _pairs[p]


_wrapped = {}


def wrap(blob, pair, sha1):
    """One wrapping of each key, so that trees differ only in what is broken."""
    key = (blob, pair["thumb"], sha1)
    if key not in _wrapped:
        _wrapped[key] = wrap_anew(blob, pair, sha1)
    return _wrapped[key]


def wrap_anew(blob, pair, sha1):
    h = hashes.SHA1() if sha1 else hashes.SHA256()
    pad = rsapad.OAEP(mgf=rsapad.MGF1(h), algorithm=h, label=None)
    return base64.b64encode(pair["pub"].encrypt(base64.b64encode(blob), pad)).decode()


def seal(plain, blob, iv):
    """header(10) | IV(16) | HMAC-SHA512 over ciphertext only (64) | AES-256-CBC/PKCS7"""
    p = padding.PKCS7(128).padder()
    e = Cipher(algorithms.AES(blob[:32]), modes.CBC(iv)).encryptor()
    ct = e.update(p.update(plain) + p.finalize()) + e.finalize()
    tag = hmac.new(blob[32:], ct, hashlib.sha512).digest()
    return struct.pack("<5h", 1, 0, 0, len(iv), len(tag)) + iv + tag + ct


# ------------------------------------------------------------------ text forms
def net_time(t):                                  # XmlConvert round-trip form, UTC, 100 ns ticks, zeros trimmed
    f = f"{t.microsecond:06d}7".rstrip("0")
    return t.strftime("%Y-%m-%dT%H:%M:%S") + ("." + f if t.microsecond else "") + "Z"


def net_xml(root, pairs):
    def body(items, ind):
        o = []
        for k, v in items:
            if v is None:
                continue                          # a null string is simply not written
            if isinstance(v, list):
                o += [f"{ind}<{k}>"] + body(v, ind + "  ") + [f"{ind}</{k}>"] if v else [f"{ind}<{k} />"]
            else:
                v = {True: "true", False: "false"}.get(v, v) if isinstance(v, bool) else v
                o.append(f"{ind}<{k}>{escape(str(v))}</{k}>" if str(v) else f"{ind}<{k} />")
        return o
    head = (f'<{root} xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            f'xmlns:xsd="http://www.w3.org/2001/XMLSchema">')
    return "\r\n".join(['<?xml version="1.0"?>', head] + body(pairs, "  ") + [f"</{root}>"]).encode()


def zip_of(files):
    b = io.BytesIO()
    with zipfile.ZipFile(b, "w", zipfile.ZIP_DEFLATED) as z:
        for n, d in files:
            z.writestr(zipfile.ZipInfo(n, (2023, 1, 17, 19, 31, 0)), d, zipfile.ZIP_DEFLATED)
    return b.getvalue()


# ------------------------------------------------------------------ the tree
class Tree:
    def __init__(s, out, pairs, seed):
        s.out, s.pairs, s.r = out, pairs, random.Random(seed)
        s.root = os.path.join(out, "share", "MASBackup")
        s.prog = os.path.join(s.root, "ProgressiveBackup")
        s.snaps, s.backups, s.notes = [], [], []
        s.blobs = {}

    def guid(s): return str(uuid.UUID(int=s.r.getrandbits(128), version=4))
    def rnd(s, n): return s.r.randbytes(n)

    def put(s, path, data):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)
        return path

    def payload(s, repo, blob, tag):
        if repo == CRP: return [("CRP-Microsoft.Compute.Admin.json", b'[{"name":"Default Quota","properties":{"vmCount":50}}]')]
        if repo == NRP: return [("NRP-Microsoft.Network.Admin.json", b'[{"name":"Default Quota","properties":{"maxVnetsPerSubscription":50}}]')]
        if repo == SRP:                           # a composite repository: plain zips inside the decrypted zip
            q = zip_of([("SRP-Microsoft.Storage.Admin.json", b'[{"name":"Default Quota","properties":{"capacityInGb":2048}}]')])
            a = zip_of([("Account.json", b"[]")])
            return [("SRP;Microsoft.Storage.Admin;-;Quota/" + tag + ".zip", q), ("SRP;StorageAccount;-;SRP/" + tag + ".zip", a)]
        if repo == WAS:
            return [("Microsoft.AzureStack.Subscriptions.bak", b"TAPE" + s.rnd(6000)), ("Microsoft.AzureStack.Subscriptions.log", s.rnd(900))]
        if repo == CSS:                           # second layer: same envelope, same data key, own IV
            return [("ServiceFabricCssBackup.dat", seal(b"synthetic secrets", blob, s.rnd(16)))]
        return [("data.bin", s.rnd(500))]

    def snapshot(s, store, repo, bid, t, cert, sha1, full=True, prev=NIL, dep=NIL, contemp=True, status="Succeeded",
                 files=None, raw=None, legacy_dir=None, host="AzS-ERCS01", **over):
        blob = s.blobs.setdefault(bid, s.rnd(64))
        pair = s.pairs[cert]
        name = f"{t:%Y%m%d%H%M}_{bid}_{'Full' if full else 'Progressive'}{'_C' if contemp else ''}"
        files = files if files is not None else s.payload(repo, blob, name)
        plain = raw if raw is not None else zip_of(files)
        d = legacy_dir or os.path.join(s.prog, store, repo)
        base = os.path.join(d, repo if legacy_dir else name)
        role, comp, part, rep = (repo.split(";") + ["-"] * 4)[:4]
        x = dict(BackupDataVersion="1.0.1" if legacy_dir else "1.1.0", StampVersion=store, OemVersion=OEM,
                 DeploymentID=DEPLOYMENT, IsAutomaticBackup=True, IsContemporaneousBackup=contemp, BackupId=bid,
                 ComponentInfo=[("RoleName", role), ("ComponentName", comp), ("PartitionId", part)], HostVMName=host,
                 RepositoryName=rep, EncryptedBackupEncryptionKey=wrap(blob, pair, sha1),
                 EncryptionCertThumbprint=pair["thumb"],
                 SnapshotProperties=[("PreviousSnapshotId", prev), ("DependentFullSnapshotId", dep),
                     ("BackupType", "Full" if full else "Progressive"), ("CreatedDateTime", net_time(t)),
                     ("TimeTakenToCreate", "PT41.3080914S"), ("BackupStatus", status),
                     ("BackupSizeInKb", max(1, sum(len(b) for _, b in files) // 1024)), ("CompressedBackupSizeInKb", len(plain) // 1024)])
        x.update(over)
        rec = dict(store=store, repo=repo, id=bid, time=t, full=full, prev=prev, dep=dep, contemp=contemp, cert=cert,
                   xml=base + ".xml", zip=base + ".zip", fields=x, legacy=bool(legacy_dir))
        s.put(rec["xml"], net_xml("BackupSnapshot", list(x.items())))
        s.put(rec["zip"], seal(plain, blob, s.rnd(16)))
        s.snaps.append(rec)
        return rec

    def info(s, path, bid, t, store, repos, cert, ready=True, status="Succeeded", version="1.1.0", failed=()):
        roles = {}
        for r in repos:
            roles.setdefault(r.split(";")[0], []).append((r, "Failed" if r in failed else "Succeeded"))
        rs = [("RoleOperationStatus", [("RoleName", k), ("RepositoryStatus", [("RepositoryOperationStatus",
              [("FullRepositoryName", n), ("Status", st)]) for n, st in v]),
              ("Status", "Succeeded" if all(st == "Succeeded" for _, st in v) else "Failed")]) for k, v in roles.items()]
        s.put(path, net_xml("BackupInfo", [("BackupDataVersion", version), ("BackupId", bid), ("RoleStatus", rs),
              ("Status", status), ("CreatedDateTime", net_time(t)), ("TimeTakenToCreate", "PT20M48.5970829S"),
              ("StampVersion", store), ("OemVersion", OEM), ("DeploymentID", DEPLOYMENT),
              ("EncryptionCertThumbprint", s.pairs[cert]["thumb"] if cert else None), ("BackupSizeInKb", 512),
              ("CompressedBackupSizeInKb", 64), ("CompletelyUploaded", True), ("IsAutomaticBackup", True),
              ("IsCloudRecoveryReady", ready)]))

    def contemporaneous(s, store, bid, t, cert, sha1, was, repos=REPOS):
        for i, r in enumerate(repos):
            tt = t + dt.timedelta(seconds=95 * i, microseconds=123456)
            kw = was if r in PROGRESSIVE else {}
            s.snapshot(store, r, bid, tt, cert, sha1, **kw)
        s.info(os.path.join(s.prog, store, f"{bid}_BackupInfo.xml"), bid, tt, store, repos, cert)
        s.backups.append(dict(id=bid, store=store, time=net_time(tt), cert=cert))

    def registrations(s, store, repos=REPOS):
        rows = [dict(EceRolePath="Cloud\\Fabric\\" + r.split(";")[0], BackupPriority=i, RestorePriority=i, BackupPeriodInMinutes=720,
                RetentionPeriodInDays=7, ProgressiveBackupType="Progressive" if r in PROGRESSIVE else "Full",
                EssentialForCloudRecovery=r != SRP, RequiredForRestoreActionPlan=True, LastBackupOperationSucceeded=True,
                DoubleEncryptionRequired=r == CSS, PreviousSnapshotId=NIL, DependentFullSnapshotId=NIL,
                **dict(zip(("RoleName", "ComponentName", "PartitionId", "RepositoryName"), r.split(";")))) for i, r in enumerate(repos)]
        s.put(os.path.join(s.prog, store, "registrations.json"), json.dumps(rows, separators=(",", ":")).encode())

    def build(s):
        g, day = s.guid, lambda d, h: dt.datetime(2023, 1, d, h, 31, 22, tzinfo=U)
        # legacy layout <yyyyMMddHHmm>\<id>\ : certificate with OAEP-SHA1
        lid, lt = g(), dt.datetime(2019, 5, 1, 12, 0, 7, tzinfo=U)
        ld = os.path.join(s.root, f"{lt:%Y%m%d%H%M}", lid)
        for r in (CRP, NRP, WAS):
            s.snapshot("1.1904.0.36", r, lid, lt, "old", True, legacy_dir=ld, contemp=False)
        s.info(os.path.join(ld, "BackupInfo.xml"), lid, lt, "1.1904.0.36", (CRP, NRP, WAS), "old", version="1.0.1")
        # completely failed, no snapshot
        fid, ft = g(), dt.datetime(2021, 8, 8, 8, 8, tzinfo=U)
        s.info(os.path.join(s.root, f"{ft:%Y%m%d%H%M}", fid, "BackupInfo.xml"), fid, ft, OLD, (CRP,), None, False, "Failed", failed=(CRP,))
        # an old store: full + progressive, old certificate, OAEP-SHA1
        s.registrations(OLD)
        a, b = g(), g()
        s.contemporaneous(OLD, a, day(10, 7), "old", True, {})
        s.contemporaneous(OLD, b, day(10, 19), "old", True, dict(full=False, prev=a, dep=a))
        # the current store: chain of 4 (one link not contemporaneous), then a new chain of 2; new certificate, OAEP-SHA256
        s.registrations(NEW)
        c, d, e, f, h, i = (g() for _ in range(6))
        s.contemporaneous(NEW, c, day(16, 7), "new", False, {})
        s.contemporaneous(NEW, d, day(16, 19), "new", False, dict(full=False, prev=c, dep=c))
        s.snapshot(NEW, WAS, e, day(17, 1), "new", False, full=False, prev=d, dep=c, contemp=False)
        s.contemporaneous(NEW, f, day(17, 7), "new", False, dict(full=False, prev=e, dep=c))
        s.contemporaneous(NEW, h, day(17, 19), "new", False, {})
        s.contemporaneous(NEW, i, day(18, 7), "new", False, dict(full=False, prev=h, dep=h))
        xid = g()                                 # failed run of the current scheme: only an info file
        s.info(os.path.join(s.prog, NEW, f"{xid}_BackupInfo.xml"), xid, day(18, 1), NEW, REPOS, "new", False, "Failed", failed=REPOS)
        s.put(os.path.join(s.root, "recoverypoint.json"), b"2023-01-10T07:31:22.0000000Z\r\n")
        return s

    # -------------------------------------------------------------- breaks
    def pick(s, repo=WAS, n=0, store=NEW, **kw):
        return [x for x in s.snaps if x["repo"] == repo and x["store"] == store and all(x[k] == v for k, v in kw.items())][n]

    def rewrite_xml(s, rec, props=None, **over):
        x = dict(rec["fields"]); x.update(over)
        if props: x["SnapshotProperties"] = [(k, props.get(k, v)) for k, v in x["SnapshotProperties"]]
        s.put(rec["xml"], net_xml("BackupSnapshot", list(x.items())))

    def poke(s, path, off, fn):
        b = bytearray(open(path, "rb").read()); b[off] = fn(b[off]); s.put(path, bytes(b))

    def reseal(s, rec, files=None, raw=None):
        s.put(rec["zip"], seal(raw if raw is not None else zip_of(files), s.blobs[rec["id"]], s.rnd(16)))


BREAKS = {}


def brk(name, codes, expect):
    """A way to break the tree, the codes of the findings that it must lead to, and what they say."""
    def deco(fn):
        BREAKS[name] = (fn, codes.split(), expect)
        return fn
    return deco


@brk("missing-link", "CHAIN_LINK_MISSING", "chain broken: d gone, so e and f are orphans; f's backup is not recovery ready")
def _(t): x = t.pick(n=1); os.remove(x["xml"]); os.remove(x["zip"]); return [x["zip"]]
@brk("missing-full", "CHAIN_FULL_MISSING", "the first WAS chain has no full; its three progressives are orphans")
def _(t): x = t.pick(n=0); os.remove(x["xml"]); os.remove(x["zip"]); return [x["zip"]]
@brk("missing-xml", "METADATA_MISSING", "data without metadata: not a snapshot, prune would delete it")
def _(t): x = t.pick(CRP); os.remove(x["xml"]); return [x["zip"]]
@brk("missing-zip", "DATA_MISSING", "metadata without data: not a snapshot")
def _(t): x = t.pick(CRP); os.remove(x["zip"]); return [x["xml"]]
@brk("truncated-zip", "DATA_LENGTH_WRONG", "length not 90+16n: damaged")
def _(t): x = t.pick(NRP); b = open(x["zip"], "rb").read(); t.put(x["zip"], b[:-7]); return [x["zip"]]
@brk("truncated-zip-16", "TAG_MISMATCH", "length plausible, tag mismatch")
def _(t): x = t.pick(WAS); b = open(x["zip"], "rb").read(); t.put(x["zip"], b[:-32]); return [x["zip"]]
@brk("short-file", "DATA_LENGTH_WRONG", "shorter than a header")
def _(t): x = t.pick(NRP); t.put(x["zip"], b"\x01\x00\x00"); return [x["zip"]]
@brk("zero-header", "HEADER_EMPTY", "90 zero bytes first: the writer fills the header last, so an interrupted write")
def _(t): x = t.pick(NRP); b = open(x["zip"], "rb").read(); t.put(x["zip"], bytes(90) + b[90:]); return [x["zip"]]
@brk("flip-data", "TAG_MISMATCH", "tag mismatch")
def _(t): x = t.pick(WAS); t.poke(x["zip"], 300, lambda v: v ^ 1); return [x["zip"]]
@brk("flip-iv", "ZIP_DAMAGED", "tag ok (IV not authenticated!), first 16 plaintext bytes damaged: zip local header wrong")
def _(t): x = t.pick(WAS); t.poke(x["zip"], 10, lambda v: v ^ 1); return [x["zip"]]
@brk("flip-iv-time", "ZIP_HEADERS_DISAGREE", "tag ok, CRC ok: only the local header's time differs from the central directory")
def _(t): x = t.pick(WAS); t.poke(x["zip"], 10 + 10, lambda v: v ^ 1); return [x["zip"]]
@brk("flip-tag", "TAG_MISMATCH", "tag mismatch")
def _(t): x = t.pick(WAS); t.poke(x["zip"], 30, lambda v: v ^ 1); return [x["zip"]]
@brk("swap-tag-bytes", "TAG_MISMATCH", "tag mismatch (an order-insensitive compare would accept it)")
def _(t):
    x = t.pick(WAS); b = bytearray(open(x["zip"], "rb").read())
    i, j = next((i, j) for i in range(26, 90) for j in range(i + 1, 90) if b[i] != b[j])
    b[i], b[j] = b[j], b[i]; t.put(x["zip"], bytes(b)); return [x["zip"]]
@brk("swap-data", "TAG_MISMATCH", "two snapshots' data files exchanged: tag mismatch (other data key)")
def _(t):
    x, y = t.pick(CRP, 0), t.pick(CRP, 1); b, c = open(x["zip"], "rb").read(), open(y["zip"], "rb").read()
    t.put(x["zip"], c); t.put(y["zip"], b); return [x["zip"], y["zip"]]
@brk("wrong-thumbprint", "CERTIFICATE_NOT_SHOWN", "metadata names a certificate nobody has")
def _(t): x = t.pick(CRP); t.rewrite_xml(x, EncryptionCertThumbprint="BDB07F879C1F1A05B74EB43AEAF5E5B5F84DCEA8"); return [x["xml"]]
@brk("wrong-key", "KEY_DOES_NOT_OPEN", "thumbprint right, wrapped key is for the other certificate: unwrap fails")
def _(t): x = t.pick(CRP); t.rewrite_xml(x, EncryptedBackupEncryptionKey=wrap(t.blobs[x["id"]], t.pairs["old"], False)); return [x["xml"]]
@brk("no-thumbprint", "THUMBPRINT_MISSING", "thumbprint absent: which PFX is unknown, try each")
def _(t): x = t.pick(CRP); t.rewrite_xml(x, EncryptionCertThumbprint=None); return [x["xml"]]
@brk("lower-thumbprint", "THUMBPRINT_LETTER_CASE", "same certificate, lower case: opens; Microsoft's chain builder compares case-sensitively and drops the link")
def _(t): x = t.pick(n=1); t.rewrite_xml(x, EncryptionCertThumbprint=t.pairs["new"]["thumb"].lower()); return [x["xml"]]
@brk("short-data-key", "KEY_TOO_SHORT", "unwrapped key under 64 bytes")
def _(t): x = t.pick(CRP); t.rewrite_xml(x, EncryptedBackupEncryptionKey=wrap(b"k" * 40, t.pairs["new"], False)); return [x["xml"]]
@brk("foreign-files", "PRIVATE_KEY FOREIGN_FILE FOREIGN_FOLDER", "unrecognised: prune deletes them; a private key beside the data is a finding")
def _(t):
    k = open(t.pairs["new"]["path"], "rb").read(); c = open(t.pairs["new"]["path"][:-3] + "cer", "rb").read()
    return [t.put(os.path.join(t.prog, "BackupEncryptionCert.pfx"), k), t.put(os.path.join(t.prog, "garbage"), b"x"),
            t.put(os.path.join(t.prog, NEW, "BackupEncryptionCert.cer"), c), t.put(os.path.join(t.prog, NEW, CRP, "Thumbs.db"), b"x"),
            t.put(os.path.join(t.root, "notes.txt"), b"x"), t.put(os.path.join(t.prog, NEW, CRP, "sub", "deep.txt"), b"x")]
@brk("future-time", "TIME_IN_FUTURE", "creation time years ahead: warn, do not let it hide staleness")
def _(t): x = t.snapshot(NEW, CRP, t.guid(), dt.datetime(2099, 1, 1, tzinfo=U), "new", False); return [x["zip"]]
@brk("name-mismatch", "NAME_DISAGREES", "file name and metadata disagree about id and time (metadata wins for Microsoft)")
def _(t):
    x = t.pick(CRP); n = os.path.join(os.path.dirname(x["zip"]), "202301010101_" + t.guid() + "_Full_C")
    os.rename(x["zip"], n + ".zip"); os.rename(x["xml"], n + ".xml"); return [n + ".zip"]
@brk("bad-name", "NAME_UNKNOWN", "name does not parse")
def _(t):
    x = t.pick(CRP); n = os.path.join(os.path.dirname(x["zip"]), "yesterday")
    os.rename(x["zip"], n + ".zip"); os.rename(x["xml"], n + ".xml"); return [n + ".zip"]
@brk("xml-dtd", "METADATA_REFUSED", "DTD: refuse the document")
def _(t):
    x = t.pick(CRP); b = open(x["xml"], "rb").read().replace(b'<?xml version="1.0"?>', b'<?xml version="1.0"?>\r\n<!DOCTYPE BackupSnapshot [<!ENTITY e SYSTEM "file:///etc/passwd">]>')
    t.put(x["xml"], b.replace(b"AzS-ERCS01", b"&e;")); return [x["xml"]]
@brk("xml-bomb", "METADATA_REFUSED", "entity bomb: refuse the document, bounded memory")
def _(t):
    x = t.pick(CRP); ents = "".join(f'<!ENTITY e{i} "{("&e%d;" % (i - 1)) * 10}">' for i in range(1, 10))
    b = open(x["xml"], "rb").read().replace(b'<?xml version="1.0"?>', f'<?xml version="1.0"?>\r\n<!DOCTYPE BackupSnapshot [<!ENTITY e0 "lol">{ents}]>'.encode())
    t.put(x["xml"], b.replace(b"AzS-ERCS01", b"&e9;")); return [x["xml"]]
@brk("xml-deep", "METADATA_UNREADABLE", "5 000 nested elements: bounded depth")
def _(t): x = t.pick(CRP); t.put(x["xml"], b"<BackupSnapshot>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</BackupSnapshot>"); return [x["xml"]]
@brk("xml-garbage", "METADATA_UNREADABLE", "not XML")
def _(t): x = t.pick(CRP); t.put(x["xml"], b"\x00\x01\x02"); return [x["xml"]]
@brk("xml-empty-id", "BACKUP_ID_EMPTY", "BackupId all zero")
def _(t): x = t.pick(CRP); t.rewrite_xml(x, BackupId=NIL); return [x["xml"]]
@brk("xml-utf16", "METADATA_ENCODING", "valid document in UTF-16 with BOM: may be read or refused, never misread")
def _(t):
    x = t.pick(CRP); s = open(x["xml"], "rb").read().decode().replace('version="1.0"', 'version="1.0" encoding="utf-16"')
    t.put(x["xml"], s.encode("utf-16")); return [x["xml"]]
@brk("unknown-repo", "REPOSITORY_NOT_REGISTERED FOREIGN_FOLDER", "a repository no registration names; and a folder that is no repository name")
def _(t):
    x = t.snapshot(NEW, "FOO;Bar.Admin;-;Baz", t.guid(), dt.datetime(2023, 1, 18, 7, 40, tzinfo=U), "new", False)
    return [x["zip"], t.put(os.path.join(t.prog, NEW, "not;three", "a.bin"), b"x")]
@brk("bad-store", "STORE_NAME_UNKNOWN PLAINTEXT_LEFT", "a folder under ProgressiveBackup that is no version")
def _(t): return [t.put(os.path.join(t.prog, "RestoreTempFolder", CRP, "x.zip"), zip_of([("a", b"b")])), t.put(os.path.join(t.prog, "copy of 1.2301", CRP, "x.zip"), b"x")]
@brk("huge-header", "HEADER_WRONG", "IV and tag lengths 32767: refuse before allocating")
def _(t): x = t.pick(CRP); b = open(x["zip"], "rb").read(); t.put(x["zip"], struct.pack("<5h", 1, 0, 0, 32767, 32767) + b[10:]); return [x["zip"]]
@brk("negative-header", "HEADER_WRONG", "IV length -1, tag length -32768")
def _(t): x = t.pick(CRP); b = open(x["zip"], "rb").read(); t.put(x["zip"], struct.pack("<5h", 1, 0, 0, -1, -32768) + b[10:]); return [x["zip"]]
@brk("zero-tag", "HEADER_WRONG", "tag length 0: refuse (no authentication)")
def _(t): x = t.pick(CRP); b = open(x["zip"], "rb").read(); t.put(x["zip"], struct.pack("<5h", 1, 0, 0, 16, 0) + b[10:26] + b[90:]); return [x["zip"]]
@brk("alg-none", "HEADER_WRONG", "algorithm ids 32767 ('None' in the enums): refuse")
def _(t): x = t.pick(CRP); b = open(x["zip"], "rb").read(); t.put(x["zip"], struct.pack("<5h", 1, 32767, 32767, 16, 64) + b[10:]); return [x["zip"]]
@brk("bad-magic", "HEADER_WRONG", "header tag 2")
def _(t): x = t.pick(CRP); t.poke(x["zip"], 0, lambda v: 2); return [x["zip"]]
@brk("big-endian", "HEADER_WRONG", "header in the wrong byte order")
def _(t): x = t.pick(CRP); b = open(x["zip"], "rb").read(); t.put(x["zip"], struct.pack(">5h", 1, 0, 0, 16, 64) + b[10:]); return [x["zip"]]
@brk("bad-padding", "PADDING_WRONG", "tag ok, PKCS7 padding wrong")
def _(t):
    x = t.pick(CRP); k = t.blobs[x["id"]]; iv = t.rnd(16)
    e = Cipher(algorithms.AES(k[:32]), modes.CBC(iv)).encryptor(); ct = e.update(b"\x00" * 64) + e.finalize()
    t.put(x["zip"], struct.pack("<5h", 1, 0, 0, 16, 64) + iv + hmac.new(k[32:], ct, hashlib.sha512).digest() + ct); return [x["zip"]]
@brk("not-zip", "ZIP_DAMAGED", "decrypts, is no zip")
def _(t): x = t.pick(CRP); t.reseal(x, raw=b"this is not a zip file"); return [x["zip"]]
@brk("zip-traversal", "ZIP_NAME_UNSAFE ZIP_DUPLICATE", "names that leave the target, absolute, drive, UNC, device, stream, backslash, NUL, duplicate, case twins")
def _(t):
    x = t.pick(CRP)
    names = ["../evil", "..\\..\\evil2", "/etc/evil3", "C:\\evil4", "C:evil5", "\\\\srv\\share\\evil6", "a/../../evil7", "nul", "con.txt",
             "ok.txt:stream", "trail. ", "dir\\inner.json", "bad\x01name", "same", "same", "Case.json", "case.json", "a" * 300]
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore"); t.reseal(x, files=[(n, b"evil") for n in names] + [("CRP-Microsoft.Compute.Admin.json", b"[]")])
    return [x["zip"]]
@brk("zip-symlink", "ZIP_LINK", "an entry marked as a symbolic link to /etc/passwd, then a file 'through' it")
def _(t):
    x = t.pick(CRP); b = io.BytesIO()
    with zipfile.ZipFile(b, "w") as z:
        li = zipfile.ZipInfo("link"); li.create_system = 3; li.external_attr = 0o120777 << 16
        z.writestr(li, "/etc"); z.writestr("link/evil", b"x")
    t.reseal(x, raw=b.getvalue()); return [x["zip"]]
@brk("zip-bomb", "ZIP_TOO_LARGE", "256 MiB of zeros in 250 KiB: stop at the limit")
def _(t):
    x = t.pick(CRP); b = io.BytesIO()
    with zipfile.ZipFile(b, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as z:
        with z.open("zeros.bin", "w") as f:
            for _i in range(256): f.write(bytes(1 << 20))
    t.reseal(x, raw=b.getvalue()); return [x["zip"]]
@brk("zip-liar", "ZIP_SIZE_WRONG", "central directory claims 10 bytes, 8 MiB come out")
def _(t):
    x = t.pick(CRP); b = bytearray(zip_of([("liar.bin", bytes(8 << 20))])); n = 8 << 20
    for sig, off in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        p = b.index(sig); assert struct.unpack_from("<I", b, p + off)[0] == n; struct.pack_into("<I", b, p + off, 10)
    t.reseal(x, raw=bytes(b)); return [x["zip"]]
@brk("zip-nested-bomb", "ZIP_TOO_LARGE", "bomb inside the inner zip of SRP")
def _(t):
    x = t.pick(SRP); inner = zip_of([("zeros.bin", bytes(64 << 20))])
    t.reseal(x, files=[("SRP;Microsoft.Storage.Admin;-;Quota/a.zip", inner)]); return [x["zip"]]
@brk("failed-snapshot", "SNAPSHOT_NOT_SUCCEEDED", "a link with BackupStatus Failed: it and what follows fall out of the chain")
def _(t): x = t.pick(n=1); t.rewrite_xml(x, props={"BackupStatus": "Failed"}); return [x["xml"]]
@brk("unknown-status", "SNAPSHOT_NOT_SUCCEEDED", "a status nobody knows: not Succeeded, and no crash")
def _(t): x = t.pick(n=1); t.rewrite_xml(x, props={"BackupStatus": "Archived"}); return [x["xml"]]
@brk("chain-loop", "CHAIN_LOOPS", "a progressive that names itself as predecessor")
def _(t): x = t.pick(n=1); t.rewrite_xml(x, props={"PreviousSnapshotId": x["id"]}); return [x["xml"]]
@brk("chain-branch", "CHAIN_BRANCHES", "two progressives with one predecessor: Microsoft accepts (set membership), a reader must warn")
def _(t):
    c, d = t.pick(n=0), t.pick(n=1)
    x = t.snapshot(NEW, WAS, t.guid(), dt.datetime(2023, 1, 17, 3, 0, tzinfo=U), "new", False, full=False, prev=c["id"], dep=c["id"], contemp=False)
    return [x["zip"]]
@brk("long-chain", "CHAIN_TOO_LONG", "13 snapshots in one chain, over the default limit of 10: warn")
def _(t):
    p = t.pick(n=5); f = t.pick(n=4); out = []
    for k in range(11):
        x = t.snapshot(NEW, WAS, t.guid(), dt.datetime(2023, 1, 19 + k // 2, 7 + 12 * (k % 2), tzinfo=U), "new", False, full=False, prev=p["id"], dep=f["id"])
        p = x; out.append(x["zip"])
    return out
@brk("duplicate-full", "SNAPSHOT_DUPLICATED", "two full snapshots with one id: the later one counts")
def _(t): c = t.pick(n=0); x = t.snapshot(NEW, WAS, c["id"], c["time"] + dt.timedelta(minutes=5), "new", False); return [x["zip"]]
@brk("other-deployment", "CHAIN_LINK_DIFFERS", "one link from another deployment")
def _(t): x = t.pick(n=1); t.rewrite_xml(x, DeploymentID=t.guid()); return [x["xml"]]
@brk("stamp-mismatch", "CHAIN_LINK_DIFFERS NAME_DISAGREES", "metadata's StampVersion is not the store's name")
def _(t): x = t.pick(n=1); t.rewrite_xml(x, StampVersion="1.9999.0.1"); return [x["xml"]]
@brk("missing-essential", "REPOSITORY_MISSING", "newest backup lacks CRP: not recovery ready, PartialSucceeded")
def _(t): x = t.pick(CRP, n=-1); os.remove(x["xml"]); os.remove(x["zip"]); return [x["zip"]]
@brk("info-lies", "BACKUP_INFO_DISAGREES", "BackupInfo says ready although a full is gone: trust the files")
def _(t): x = t.pick(n=4); os.remove(x["xml"]); os.remove(x["zip"]); return [x["zip"]]
@brk("no-registrations", "REGISTRATIONS_MISSING", "essential repositories unknown: readiness cannot be told")
def _(t): p = os.path.join(t.prog, NEW, "registrations.json"); os.remove(p); return [p]
@brk("bad-registrations", "REGISTRATIONS_UNREADABLE", "registrations.json is no JSON array of objects")
def _(t): return [t.put(os.path.join(t.prog, NEW, "registrations.json"), b'{"a":' * 2000)]
@brk("bad-recoverypoint", "RECOVERY_POINT_UNREADABLE", "unparseable: treat as absent")
def _(t): return [t.put(os.path.join(t.root, "recoverypoint.json"), b"soon")]
@brk("late-recoverypoint", "HIDDEN_BY_RECOVERY_POINT", "backups older than the recovery point are hidden by the service")
def _(t): return [t.put(os.path.join(t.root, "recoverypoint.json"), b"2023-01-17T12:00:00.0000000Z\r\n")]
@brk("lower-case", "FOLDER_LETTER_CASE", "masbackup/progressivebackup in lower case")
def _(t):
    os.rename(t.prog, t.prog + "x"); os.rename(t.prog + "x", os.path.join(t.root, "progressivebackup"))
    n = os.path.join(os.path.dirname(t.root), "masbackup"); os.rename(t.root, n)
    t.root, t.prog = n, os.path.join(n, "progressivebackup")
    for x in t.snaps:
        for k in ("xml", "zip"): x[k] = x[k].replace("MASBackup", "masbackup").replace("ProgressiveBackup", "progressivebackup")
    return [n]
@brk("symlinks", "LINK", "links below MASBackup: never follow")
def _(t):
    p = os.path.join(t.prog, NEW, "LNK;A;-;-"); os.symlink("/", p)
    q = os.path.join(t.prog, NEW, CRP, "202301180000_" + t.guid() + "_Full_C.xml"); os.symlink("/etc/passwd", q); return [p, q]
@brk("symmetric-key", "KEY_MISSING", "pre-1901 legacy backup under an operator key (keys/symmetric.txt); layout inferred")
def _(t):
    bid, tt = t.guid(), dt.datetime(2018, 11, 1, 12, 0, tzinfo=U); d = os.path.join(t.root, f"{tt:%Y%m%d%H%M}", bid)
    x = t.snapshot("1.1809.0.25", CRP, bid, tt, "old", True, legacy_dir=d, contemp=False, EncryptedBackupEncryptionKey=None, EncryptionCertThumbprint=None)
    t.info(os.path.join(d, "BackupInfo.xml"), bid, tt, "1.1809.0.25", (CRP,), None, version="1.0.1")
    t.put(os.path.join(t.out, "keys", "symmetric.txt"), base64.b64encode(t.blobs[bid])); return [x["zip"]]


@brk("other-deployment-of-backup", "BACKUP_DIFFERS", "one repository of a backup is of another deployment: a recovery refuses them")
def _(t): x = t.pick(NRP); t.rewrite_xml(x, DeploymentID=t.guid()); return [x["xml"]]
@brk("empty-json", "CONTENT_UNEXPECTED", "the quota's JSON has no bytes: authentic, and of no use")
def _(t): x = t.pick(CRP); t.reseal(x, [("CRP-Microsoft.Compute.Admin.json", b"")]); return [x["zip"]]
@brk("no-backup-file", "CONTENT_UNEXPECTED", "the SQL repository has no .bak")
def _(t): x = t.pick(WAS, 4); t.reseal(x, [("Microsoft.AzureStack.Subscriptions.log", b"x" * 900)]); return [x["zip"]]
@brk("element-twice", "METADATA_DOUBTFUL", "an element is there twice: nobody knows which one counts")
def _(t):
    x = t.pick(CRP); b = open(x["xml"], "rb").read()
    t.put(x["xml"], b.replace(b"<OemVersion>", b"<OemVersion>1.0</OemVersion><OemVersion>")); return [x["xml"]]
@brk("xml-namespace", "METADATA_DOUBTFUL", "the document is in a namespace: .NET's serializer does not find its elements")
def _(t):
    x = t.pick(NRP); b = open(x["xml"], "rb").read()
    t.put(x["xml"], b.replace(b"<BackupSnapshot ", b"<BackupSnapshot xmlns=\"urn:x\" ")); return [x["xml"]]
@brk("flip-iv-version", "ZIP_HEADERS_DISAGREE", "tag ok: only the version in the local header differs from the directory's")
def _(t): x = t.pick(WAS); t.poke(x["zip"], 10 + 4, lambda v: v ^ 0x1E); return [x["zip"]]
@brk("inessential-missing", "BACKUP_INFO_DISAGREES", "a repository that no recovery needs is gone, which the summary says succeeded")
def _(t): x = t.pick(SRP, -1); os.remove(x["xml"]); os.remove(x["zip"]); return []
@brk("zip-comment", "ZIP_DAMAGED", "a comment behind the directory, in which another directory could hide")
def _(t):
    x = t.pick(CRP); plain = zip_of(t.payload(CRP, None, ""))
    t.reseal(x, raw=plain[:-2] + struct.pack("<H", 4) + b"PK\x05\x06"); return [x["zip"]]
@brk("file-above-file", "ZIP_DUPLICATE", "a file has the name of a folder that another file is in")
def _(t): x = t.pick(CRP); t.reseal(x, [("a/b.json", b"[]"), ("A", b"x")]); return [x["zip"]]
@brk("zip-encrypted", "ZIP_UNSUPPORTED", "a file is encrypted by zip's own means: nobody has its password")
def _(t):
    x = t.pick(CRP); plain = bytearray(zip_of(t.payload(CRP, None, "")))
    plain[6] |= 1; plain[plain.index(b"PK\x01\x02") + 8] |= 1
    t.reseal(x, raw=bytes(plain)); return [x["zip"]]
@brk("legacy-other-id", "NAME_DISAGREES", "a legacy snapshot of another backup than its folder's")
def _(t):
    x = next(x for x in t.snaps if x["legacy"]); t.rewrite_xml(x, BackupId=t.guid()); return [x["xml"]]


# ------------------------------------------------------------------ independent check: decryptor, then chains
_pfx = {}


def load_pfx(path, password):                     # the key derivation of a PFX is slow: once per file
    if path not in _pfx:
        key, crt, _ = pkcs12.load_key_and_certificates(open(path, "rb").read(), password)
        _pfx[path] = key, hashlib.sha1(crt.public_bytes(serialization.Encoding.DER)).hexdigest().upper()
    return _pfx[path]


def open_snapshot(zip_path, xml_bytes, pfx_path, password):
    """The 30-line reader. Returns (state, plaintext)."""
    if b"<!DOCTYPE" in xml_bytes: return "xml-refused", b""
    try: x = ET.fromstring(xml_bytes)
    except Exception: return "xml-bad", b""
    if x.tag != "BackupSnapshot": return "xml-bad", b""
    key, mine = load_pfx(pfx_path, password)
    thumb = x.findtext("EncryptionCertThumbprint") or ""
    if thumb and thumb.upper() != mine: return "other-certificate", b""
    w = base64.b64decode(x.findtext("EncryptedBackupEncryptionKey") or ""); k = None
    for h in (hashes.SHA256(), hashes.SHA1()):
        try: k = base64.b64decode(key.decrypt(w, rsapad.OAEP(rsapad.MGF1(h), h, None))); break
        except Exception: pass
    if k is None: return "unwrap-failed", b""
    if len(k) < 64: return "short-key", b""
    f = open(zip_path, "rb").read()
    if len(f) < 106 or (len(f) - 90) % 16: return "bad-length", b""
    if struct.unpack("<5h", f[:10]) != (1, 0, 0, 16, 64): return "bad-header", b""
    iv, tag, ct = f[10:26], f[26:90], f[90:]
    if not hmac.compare_digest(hmac.new(k[32:], ct, hashlib.sha512).digest(), tag): return "bad-tag", b""
    d = Cipher(algorithms.AES(k[:32]), modes.CBC(iv)).decryptor(); p = d.update(ct) + d.finalize()
    n = p[-1]
    if not 1 <= n <= 16 or p[-n:] != bytes([n]) * n: return "bad-padding", b""
    p = p[:-n]
    return ("ok" if p[:4] == b"PK\x03\x04" and p.rfind(b"PK\x05\x06") > 0 else "not-zip"), p


def chains(prog, store):
    """repo -> list of chains (each a list of BackupId in time order), and the orphans, by the rules of docs/masbackup.md."""
    out, orphans = {}, []
    base = os.path.join(prog, store)
    for repo in sorted(os.listdir(base)):
        d = os.path.join(base, repo)
        if os.path.islink(d) or not os.path.isdir(d): continue
        snaps = []
        for n in sorted(os.listdir(d)):
            p = os.path.join(d, n)
            if not n.endswith(".xml") or os.path.islink(p) or not os.path.exists(p[:-4] + ".zip"): continue
            b = open(p, "rb").read()
            if b"<!DOCTYPE" in b or b.count(b"<") > 5000: continue
            try: x = ET.fromstring(b)
            except Exception: continue
            g = lambda q: x.findtext(q) or ""
            snaps.append(dict(id=g("BackupId"), prev=g("SnapshotProperties/PreviousSnapshotId"), dep=g("SnapshotProperties/DependentFullSnapshotId"),
                full=g("SnapshotProperties/BackupType") == "Full", time=g("SnapshotProperties/CreatedDateTime"), c=g("IsContemporaneousBackup") == "true",
                ok=g("SnapshotProperties/BackupStatus") == "Succeeded",
                same=(g("StampVersion").lower(), g("OemVersion").lower(), g("DeploymentID").lower(), g("EncryptionCertThumbprint"))))
        fulls = {}
        for q in sorted((q for q in snaps if q["full"] and q["ok"] and q["id"] != NIL), key=lambda q: q["time"]): fulls[q["id"]] = [q]
        for q in sorted((q for q in snaps if not q["full"]), key=lambda q: q["time"]):
            ch = fulls.get(q["dep"])
            if ch and q["ok"] and q["prev"] in {z["id"] for z in ch} and q["same"] == ch[0]["same"] and q["id"] not in {z["id"] for z in ch}: ch.append(q)
            else: orphans.append(q["id"])
        out[repo] = list(fulls.values())
    return out, orphans


def evaluate(t, pw):
    states, backups = {}, []
    for x in t.snaps:
        if x["legacy"] and not x["fields"]["EncryptionCertThumbprint"]: continue
        if os.path.exists(x["zip"]) and os.path.exists(x["xml"]) and os.path.getsize(x["xml"]) < 1 << 20 and os.path.getsize(x["zip"]) < 4 << 20:
            st, p = open_snapshot(x["zip"], open(x["xml"], "rb").read(), t.pairs[x["cert"]]["path"], pw)
        else: st, p = "file-missing", b""
        states[os.path.relpath(x["zip"], t.out)] = st
    for store in sorted(os.listdir(t.prog)):
        if not os.path.isdir(os.path.join(t.prog, store)): continue
        ch, orphans = chains(t.prog, store)
        try: essential = {";".join(r[k] for k in ("RoleName", "ComponentName", "PartitionId", "RepositoryName"))
                          for r in json.load(open(os.path.join(t.prog, store, "registrations.json"))) if r["EssentialForCloudRecovery"]}
        except Exception: essential = None
        ids = {q["id"] for v in ch.values() for c in v for q in c if q["c"]}
        for b in sorted(ids):
            have = {r for r, v in ch.items() for c in v for q in c if q["id"] == b and q["c"]}
            backups.append(dict(store=store, id=b, repositories=sorted(have), recovery_ready=None if essential is None else essential <= have))
        if orphans: backups.append(dict(store=store, orphans=sorted(orphans)))
    return states, backups


WANT = {"truncated-zip": "bad-length", "truncated-zip-16": "bad-tag", "short-file": "bad-length", "zero-header": "bad-header", "flip-data": "bad-tag",
        "flip-iv": "not-zip", "flip-tag": "bad-tag", "swap-tag-bytes": "bad-tag", "swap-data": "bad-tag", "wrong-thumbprint": "other-certificate",
        "wrong-key": "unwrap-failed", "short-data-key": "short-key", "xml-dtd": "xml-refused", "xml-bomb": "xml-refused", "xml-garbage": "xml-bad",
        "huge-header": "bad-header", "negative-header": "bad-header", "zero-tag": "bad-length|bad-header", "alg-none": "bad-header", "bad-magic": "bad-header",
        "big-endian": "bad-header", "bad-padding": "bad-padding", "not-zip": "not-zip", "missing-xml": "file-missing", "missing-zip": "file-missing"}


def made(out, breaks, keys, seed=1, bits=2048):
    """Writes a tree, breaks it, and compares it with the reader above; returns it with what that found."""
    if os.path.isdir(os.path.join(out, "share")): shutil.rmtree(os.path.join(out, "share"))
    pairs = {"new": make_pair(keys, "new", bits, 20), "old": make_pair(keys, "old", bits, 400)}
    t = Tree(out, pairs, seed).build()
    touched = {}
    for b in breaks:
        touched[b] = [os.path.relpath(p, out) for p in BREAKS[b][0](t)]
    states, backups = evaluate(t, PASSWORD)
    bad = [] if breaks else [f"healthy tree: {k}: {v}" for k, v in states.items() if v != "ok"]
    for name, paths in touched.items():
        for p in (p if p.endswith(".zip") else p[:-3] + "zip" for p in paths if name in WANT):
            if states.get(p) not in WANT[name].split("|"): bad.append(f"{name}: {p}: {states.get(p)} wanted {WANT[name]}")
    if bad:
        sys.exit("\n".join(bad))
    return t, backups


def files(root):
    """Every file below a folder, and every link."""
    found, links = {}, {}
    for folder, folders, names in os.walk(root):
        for name in names + [n for n in folders if os.path.islink(os.path.join(folder, n))]:
            path = os.path.join(folder, name)
            key = os.path.relpath(path, root).replace(os.sep, "/")
            if os.path.islink(path): links[key] = os.readlink(path)
            else: found[key] = open(path, "rb").read()
    return found, links


def contents(t):
    """What each snapshot holds: its files, with their digests."""
    held = {}
    for x in t.snaps:
        state, plain = open_snapshot(x["zip"], open(x["xml"], "rb").read(), t.pairs[x["cert"]]["path"], PASSWORD)
        assert state == "ok"
        z = zipfile.ZipFile(io.BytesIO(plain))
        path = os.path.relpath(x["zip"], t.root).replace(os.sep, "/")
        held[path] = {n: hashlib.sha256(z.read(n)).hexdigest() for n in z.namelist()}
    return held


def vectors(path):
    import tempfile
    text = lambda b: base64.b64encode(b).decode()
    with tempfile.TemporaryDirectory() as work:
        keys, out = os.path.join(work, "keys"), os.path.join(work, "tree")
        t, backups = made(out, [], keys)
        share = os.path.join(out, "share")
        healthy, _ = files(share)
        v = dict(password=PASSWORD.decode(), now="2023-01-18T12:00:00Z",
                 thumbprints={k: p["thumb"] for k, p in t.pairs.items()},
                 pfx={k: text(open(p["path"], "rb").read()) for k, p in t.pairs.items()},
                 backups=backups, contents=contents(t), healthy={k: text(b) for k, b in sorted(healthy.items())}, breaks={})
        for name, (_, codes, expect) in BREAKS.items():
            t, _ = made(out, [name], keys)
            now, links = files(share)
            b = dict(says=expect, findings=codes)
            if name == "lower-case":              # nothing but the names of two folders
                b["renamed"] = {"MASBackup": "masbackup", "MASBackup/ProgressiveBackup": "MASBackup/progressivebackup"}
            else:
                b["removed"] = sorted(set(healthy) - set(now))
                b["written"] = {k: text(d) for k, d in sorted(now.items()) if healthy.get(k) != d}
                b["links"] = links
            symmetric = os.path.join(out, "keys", "symmetric.txt")
            if os.path.exists(symmetric):
                b["operator_key"] = open(symmetric).read()
                os.remove(symmetric)
            v["breaks"][name] = b
    with open(path, "w") as f:
        json.dump(v, f, indent=1)
        f.write("\n")


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("vectors", nargs="?", default=os.path.join(os.path.dirname(__file__), "mas_backup.json"))
    a.add_argument("--tree"); a.add_argument("--list", action="store_true")
    o = a.parse_args()
    if o.list:
        for name, (_, codes, says) in BREAKS.items(): print(f"{name:20} {', '.join(codes)}: {says}")
    elif o.tree: made(o.tree, [], os.path.join(o.tree, "keys"))
    else: vectors(o.vectors)


if __name__ == "__main__":
    main()
