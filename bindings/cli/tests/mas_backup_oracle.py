#!/usr/bin/env python3
"""Breaks a `MASBackup` at random, and compares what azs-backup says of it with a model of its own.

    python3 mas_backup_oracle.py [--program azs-backup] [--seed N] [--steps N] [--only N]

Each step makes a healthy tree of a random shape, in which the program must find nothing wrong. Then it changes the tree in
one to four ways, and runs list, show, verify with and without the PFX, prune and extract. The model knows which snapshots
are still as they were written, which must be verified, and which are not, which must not be; of each change something must
be said. For each call holds what always holds: a documented exit code, no panic, no secret in what was printed, one JSON
document, bounded memory, nothing left in the temporary folder, nothing changed on the share. The first fault ends the run,
with the changes that led to it; --only repeats that step. It needs the package `cryptography`.
"""
import argparse, base64, datetime as dt, hashlib, io, json, os, random, re, shutil, subprocess, sys, tempfile, time, zipfile
from xml.etree import ElementTree as ET

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../tests/vectors"))

import mas_backup as gen  # noqa: E402

U = dt.timezone.utc
LIMIT_KIB, LIMIT_SECONDS = 96 * 1024, 120      # the memory of this program, which a process begins with, included
BENIGN = {"HostVMName", "TimeTakenToCreate", "Description", "IsAutomaticBackup", "BackupSizeInKb", "CompressedBackupSizeInKb",
          "BackupDataVersion", "CreatedDateTime"}   # nobody can tell, or judged elsewhere


KNOWN = BENIGN | set("StampVersion OemVersion DeploymentID IsContemporaneousBackup BackupId RoleName ComponentName PartitionId RepositoryName BackupType BackupStatus "
                     "EncryptedBackupEncryptionKey EncryptionCertThumbprint PreviousSnapshotId DependentFullSnapshotId".split())


class Fault(Exception):
    pass


def need(ok, text):
    if not ok: raise Fault(text)


# ---------------------------------------------------------------- shapes
def make_tree(out, pairs, r):
    """A healthy tree: the generator's own, or one of stores, chains and repositories drawn by r."""
    t = gen.Tree(out, pairs, r.getrandbits(32))
    if r.random() < 0.15: return t.build()
    day = dt.datetime(2023, 3, 1, 7, 31, 22, tzinfo=U)
    if r.random() < 0.35:                                            # the layout before 2102
        bid, tt = t.guid(), dt.datetime(2019, 5, 1, 12, r.randrange(60), 7, tzinfo=U)
        d, repos = os.path.join(t.root, f"{tt:%Y%m%d%H%M}", bid), r.sample(gen.REPOS, r.randint(1, 4))
        for x in repos: t.snapshot("1.1904.0.36", x, bid, tt, "old", True, legacy_dir=d, contemp=False)
        t.info(os.path.join(d, "BackupInfo.xml"), bid, tt, "1.1904.0.36", repos, "old", version="1.0.1")
    for store, cert in r.choice(([(gen.NEW, "new")], [(gen.OLD, "old"), (gen.NEW, "new")], [(gen.NEW, "old")])):
        repos = r.sample(gen.REPOS, r.randint(1, len(gen.REPOS))) + (["FOO;Bar.Admin;0;Baz"] if r.random() < 0.3 else [])
        t.registrations(store, repos)
        for _ in range(r.randint(1, 2)):
            full = prev = None
            for k in range(r.randint(1, 4)):
                bid, sha1 = t.guid(), cert == "old" and r.random() < 0.7
                t.contemporaneous(store, bid, day, cert, sha1, dict(full=False, prev=prev, dep=full) if k else {}, repos)
                full, prev, day = full or bid, bid, day + dt.timedelta(hours=12)
    return t


def base(path):
    return path[:-4] if path[-4:].lower() in (".zip", ".xml") else path


def fields(data):
    """What an XML says, as {element: text}; None if it is no XML."""
    if b"<!DOCTYPE" in data: return None
    try: x = ET.fromstring(data)
    except Exception: return None
    out, known = {"#root": x.tag}, ("ComponentInfo", "SnapshotProperties")
    for e, path in [(e, "") for e in x] + [(e, p + "/") for p in known for q in x.findall(p) for e in q]:
        if len(e) or e.tag not in KNOWN: continue                     # unknown elements are carried along
        v = (e.text or "").strip()
        if e.tag == "EncryptedBackupEncryptionKey":
            try: v = base64.b64decode(v, validate=True).hex()
            except Exception: pass
        if e.tag in ("BackupId", "PreviousSnapshotId", "DependentFullSnapshotId", "DeploymentID"): v = v.lower()
        if e.tag in ("RoleName", "ComponentName", "PartitionId", "RepositoryName"): v = v or "-"
        if e.tag in out and out[e.tag] != v: v = out[e.tag] + "|" + v
        out[e.tag] = v
    return out


# ---------------------------------------------------------------- mutations
def files_of(root):
    return sorted(os.path.join(d, n) for d, _, ns in os.walk(root) for n in ns)


def read(p):
    with open(p, "rb") as f: return f.read()


def write(p, b):
    os.makedirs(os.path.dirname(p), exist_ok=True)
    with open(p, "wb") as f: f.write(b)


def splice(b, i, n, new): return b[:i] + new + b[i + n:]


def mutate(r, root, log):
    fs = [f for f in files_of(root) if os.path.getsize(f)]
    zips, xmls = [f for f in fs if f.endswith(".zip")], [f for f in fs if f.endswith(".xml") and "BackupInfo" not in f]
    if not zips or not xmls: return
    rel = lambda p: os.path.relpath(p, root)
    k = r.choice("flip flip flip flipzip flipzip header byte truncate extend cut delete rename dup swap swapdata copykey value value "
                 "utf16 utf8bom dtd entity deep attr prefix comment cdata duplicate order unknown zeros foreign delpair".split())
    f = r.choice(zips if k in ("flipzip", "header") else xmls if k in ("value utf16 utf8bom dtd entity deep attr prefix comment cdata "
                 "duplicate order unknown copykey".split()) else fs)
    b = read(f); n = len(b); note = ""
    if k in ("flip", "flipzip"):
        i = r.choice((r.randrange(n), r.randrange(min(n, 106)), n - 1 - r.randrange(min(n, 40)))); bit = r.randrange(8)
        write(f, splice(b, i, 1, bytes([b[i] ^ (1 << bit)]))); note = f"byte {i} bit {bit}"
    elif k == "header":
        i = r.randrange(min(90, n)); write(f, splice(b, i, 1, r.randbytes(1))); note = f"byte {i}"
    elif k == "byte":
        i = r.randrange(n); write(f, splice(b, i, 1, r.choice((b"", b"\0", b"\xff", b"<", r.randbytes(2))))); note = f"byte {i}"
    elif k == "truncate": m = r.choice((r.randrange(n), max(0, n - 16), min(n, 90), min(n, 106))); write(f, b[:m]); note = f"to {m}"
    elif k == "extend": e = r.choice((b"\0", bytes(16), b[-16:], r.randbytes(r.randint(1, 99)))); write(f, b + e); note = str(len(e))
    elif k == "cut" and n > 200: i = 90 + 16 * r.randrange((n - 90) // 16); write(f, splice(b, i, 16, b"")); note = f"16 at {i}"
    elif k == "delete": os.remove(f)
    elif k == "delpair":
        f = r.choice(zips); os.remove(f)
        if os.path.exists(base(f) + ".xml"): os.remove(base(f) + ".xml")
    elif k == "rename":
        d, s = os.path.split(f); g = os.path.join(d, r.choice(("x" + s, s + ".bak", s[:-4] + "_2" + s[-4:], s.replace("Full", "Progressive"))))
        if g != f and not os.path.exists(g): os.rename(f, g); note = rel(g)
    elif k == "dup":
        g = os.path.join(os.path.dirname(r.choice(fs)), r.choice(("copy-", "")) + os.path.basename(f))
        if not os.path.exists(g): write(g, b); note = rel(g)
    elif k == "swap": g = r.choice(fs); c = read(g); write(g, b); write(f, c); note = rel(g)
    elif k == "swapdata": f, g = r.choice(zips), r.choice(zips); b, c = read(f), read(g); write(g, b); write(f, c); note = rel(g)
    elif k == "zeros": i = r.choice((0, r.randrange(n))); m = r.choice((16, 90, 4096)); write(f, splice(b, i, m, bytes(min(m, n - i))))
    elif k == "foreign": write(os.path.join(os.path.dirname(f), r.choice(("Thumbs.db", "a;b;c", "notes.txt", "\u00fcml.tmp", "desktop.ini"))), b"x"); note = "added"
    else:
        note = edit_xml(r, k, f, b, xmls)
    log.append(f"{k} {rel(f)} {note}")


def edit_xml(r, k, f, b, xmls):
    try: s = b.decode()
    except UnicodeDecodeError: return "skipped"
    at = s.find("\r\n", s.find("<BackupSnapshot")) + 2
    out = None
    if k == "value":
        m = r.choice(list(re.finditer(r"<(\w+)>([^<]+)</\1>", s)) or [None])
        if m:
            v = m.group(2)
            new = r.choice((v[::-1], v.upper(), v.lower(), " " + v, v + "x", "", "0", "true", "2099-01-01T00:00:00Z", "Full", "Failed", "-1",
                            "9" * 25, "../../x", "\u202e" + v, "00000000-0000-0000-0000-000000000000", v[:-1], "A" * 70000))
            out = (s[:m.start(2)] + new + s[m.end(2):]).encode()
            write(f, out); return f"{m.group(1)}: {v[:50]!r} -> {new[:50]!r}"
    elif k == "utf16": out = s.replace('version="1.0"', 'version="1.0" encoding="utf-16"').encode(r.choice(("utf-16", "utf-16-le", "utf-16-be")))
    elif k == "utf8bom": out = b"\xef\xbb\xbf" + b
    elif k == "dtd": out = s.replace("?>", '?>\r\n<!DOCTYPE BackupSnapshot [<!ENTITY e SYSTEM "file:///etc/passwd">]>', 1).replace("AzS-ERCS01", "&e;").encode()
    elif k == "entity": out = s.replace("AzS-ERCS01", r.choice(("&lt;a&gt;", "&#x41;", "&#0;", "&nope;", "&amp;"))).encode()
    elif k == "deep": d = r.choice((5, 31, 40, 3000)); out = (s[:at] + "<a>" * d + "</a>" * d + s[at:]).encode()
    elif k == "attr": out = s.replace("<BackupId>", '<BackupId a="' + "x" * r.choice((1, 60000, 2000000)) + '">').encode()
    elif k == "prefix": out = s.replace("<BackupSnapshot ", '<q:BackupSnapshot xmlns:q="urn:x" ').replace("</BackupSnapshot>", "</q:BackupSnapshot>").encode()
    elif k == "comment": out = (s[:at] + "<!-- <BackupId>x</BackupId> --><?pi x?>" + s[at:]).encode()
    elif k == "cdata": out = s.replace("AzS-ERCS01", "<![CDATA[<BackupId>]]>").encode()
    elif k == "duplicate":
        i = s.find("<BackupId>"); j = s.find("</BackupId>") + 11
        out = (s[:at] + r.choice((s[i:j], "<BackupId>" + "1" * 8 + "-1111-4111-8111-111111111111</BackupId>")) + s[at:]).encode()
    elif k == "order":
        lines = s.split("\r\n"); i = next((n for n, x in enumerate(lines) if "<BackupId>" in x), None)
        if i: x = lines.pop(i); lines.insert(2, x); out = "\r\n".join(lines).encode()
    elif k == "unknown": out = (s[:at] + "  <Unknown a='1'><B>c</B><SnapshotProperties><BackupStatus>Failed</BackupStatus></SnapshotProperties></Unknown>\r\n" + s[at:]).encode()
    elif k == "copykey":
        g = r.choice(xmls); a, z = "<EncryptedBackupEncryptionKey>", "</EncryptedBackupEncryptionKey>"
        o = read(g).decode(errors="replace")
        if a in o and z in o and a in s and z in s: out = (s[:s.find(a)] + o[o.find(a):o.find(z)] + s[s.find(z):]).encode()
    if out is not None: write(f, out)
    return ""


# ---------------------------------------------------------------- running
def tree_state(top):
    out = []
    for d, ds, fs in os.walk(top):
        for n in sorted(ds) + sorted(fs):
            p = os.path.join(d, n); s = os.lstat(p)
            out.append((os.path.relpath(p, top), s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_mode,
                        hashlib.sha256(read(p)).hexdigest() if n in fs and not os.path.islink(p) else ""))
    return sorted(out)


class Runner:
    def __init__(s, program, work, pfx, password, secrets):
        s.program, s.work, s.pfx, s.secrets, s.calls, s.peak = program, work, pfx, secrets, 0, 0
        s.tmp = os.path.join(work, "tmp"); shutil.rmtree(s.tmp, ignore_errors=True); os.makedirs(s.tmp)
        s.pw = os.path.join(work, "pw"); write(s.pw, password); os.chmod(s.pw, 0o600)

    def keys(s): return sum((["--pfx", p] for p in s.pfx), []) + ["--pfx-password-file", s.pw]

    def run(s, args, share, env=None, json_out=True):
        """One call: exit code, JSON (or text); and everything that must hold for each call."""
        cmd = [s.program, "mas-backup"] + args + ["--root", share] + (["--json"] if json_out else [])
        e = {"PATH": "/usr/bin:/bin", "TMPDIR": s.tmp, "HOME": s.tmp, **(env or {})}
        before = tree_state(share)
        o, x = os.path.join(s.work, "out"), os.path.join(s.work, "err")
        with open(o, "wb") as printed, open(x, "wb") as said:
            p = subprocess.Popen(cmd, stdout=printed, stderr=said, stdin=subprocess.DEVNULL, env=e)
            end = time.time() + LIMIT_SECONDS
            while True:
                pid, st, usage = os.wait4(p.pid, os.WNOHANG)
                if pid: break
                if time.time() > end: p.kill(); os.wait4(p.pid, 0); raise Fault(f"hangs: {args}")
                time.sleep(0.004)
        p.returncode = 0
        s.calls += 1; rss = usage.ru_maxrss; s.peak = max(s.peak, rss); out, err = read(o), read(x)
        need(not os.WIFSIGNALED(st), f"killed by signal {st & 127}: {args}: {err[-300:]!r}")
        rc = os.WEXITSTATUS(st)
        need(rc in (0, 1, 3), f"exit code {rc}: {args}: {err[-300:]!r}")
        need(b"panicked" not in err and b"RUST_BACKTRACE" not in err, f"panic: {args}: {err[-400:]!r}")
        need(rss <= LIMIT_KIB, f"{rss} KiB of memory: {args}")
        need(tree_state(share) == before, f"the share changed: {args}")
        need(not os.listdir(s.tmp), f"left in TMPDIR: {os.listdir(s.tmp)}: {args}")
        for w in s.secrets: need(w not in out and w not in err, f"a secret is in the output: {args}")
        need(b"can be restored" not in out.lower() and b"microsoft can" not in out.lower(), f"promises a restore: {args}")
        if not json_out: return rc, out.decode()
        try:
            doc = json.loads(out)
            if isinstance(doc.get("result"), dict): doc["result"].pop("now", None)
            return rc, doc
        except ValueError: raise Fault(f"no JSON: {args}: {out[:200]!r} {err[-200:]!r}")


def key_of(f): return (f["code"], f["path"], f["severity"])


# ---------------------------------------------------------------- one step
def step(runner, pairs, work, seed, k, stats):
    r = random.Random(f"{seed}/{k}"); log = []
    out = os.path.join(work, "t"); shutil.rmtree(out, ignore_errors=True)
    share = os.path.join(out, "share"); root = os.path.join(share, "MASBackup")
    try:
        t = make_tree(out, pairs, r)
        runner.secrets = [gen.PASSWORD] + sum(([base64.b64encode(b), base64.b64encode(b[:32]), b.hex().encode()] for b in t.blobs.values()), [])
        rel = lambda p: os.path.relpath(p, root)
        zips = {rel(base(x["zip"])): read(x["zip"]) for x in t.snaps}
        xmls = {rel(base(x["xml"])): read(x["xml"]) for x in t.snaps}
        opened = {}                                                  # bytes of a zip -> (bytes of its wrapped key, plain zip)
        for b, z in zips.items():
            pair = [x for x in t.snaps if rel(base(x["zip"])) == b][0]
            st, plain = gen.open_snapshot(pair["zip"], xmls[b], pairs[pair["cert"]]["path"], gen.PASSWORD)
            need(st == "ok", f"the generator's own tree: {b}: {st}")
            opened[hashlib.sha256(z).digest()] = (t.blobs[pair["id"]], plain)
        # healthy: no false alarm
        rc, v = runner.run(["verify"] + runner.keys(), share); v = v["result"]
        bad = [f for f in v["findings"] if f["severity"] == "critical" or f["code"] not in (
               "BACKUP_FAILED", "CERTIFICATE_ROTATED", "HIDDEN_BY_RECOVERY_POINT")]
        need(rc == 0 and not bad, f"false alarm: exit code {rc}, {bad[:3]}")
        need({s["path"]: s["state"] for s in v["snapshots"]} == {b: "verified" for b in zips}, "healthy: not every snapshot is verified")
        rc, calm = runner.run(["list"], share)
        need(rc == 0 and runner.run(["prune"], share)[1]["result"]["prunable"] == [], "healthy: list or prune")
        healthy = {key_of(f) for f in v["findings"]}
        # metamorphic: time zone, locale, order of creation, a foreign file's name
        m = r.randrange(6)
        if m == 0: need(runner.run(["list"], share, {"TZ": r.choice(("Pacific/Kiritimati", "America/Los_Angeles", "Asia/Kathmandu"))})[1] == calm, "the time zone matters")
        if m == 1: need(runner.run(["list"], share, {"LC_ALL": r.choice(("tr_TR.UTF-8", "de_DE", "C")), "LANG": "ar_SA.UTF-8"})[1] == calm, "the locale matters")
        if m == 2:
            other = os.path.join(out, "again"); fs = files_of(root); r.shuffle(fs)
            for f in fs: write(os.path.join(other, os.path.relpath(f, share)), read(f)); shutil.copystat(f, os.path.join(other, os.path.relpath(f, share)))
            need(runner.run(["list"], other)[1] == calm, "the order of listing matters"); shutil.rmtree(other)
        if m == 3:
            d = os.path.dirname(r.choice(files_of(root))); a, b = os.path.join(d, "aaa.tmp"), os.path.join(d, "zzz.tmp")
            write(a, b"x"); one = runner.run(["list"], share)[1]; os.rename(a, b); two = runner.run(["list"], share)[1]; os.remove(b)
            need(json.loads(json.dumps(one).replace("aaa.tmp", "zzz.tmp")) == two or
                 sorted(map(str, one["result"]["findings"])) == sorted(str(x).replace("zzz.tmp", "aaa.tmp") for x in two["result"]["findings"]),
                 "the name of a foreign file matters")
            need(one["result"]["backups"] == calm["result"]["backups"], "a foreign file changes a backup")
        # mutate
        for _ in range(r.randint(1, 4)): mutate(r, root, log)
        # the model: what must be verified, what must not
        must, never, noticed = set(), set(), set()
        now = {rel(f): read(f) for f in files_of(root)}
        for p in sorted({base(q) for q in now if q.endswith((".zip", ".xml")) and "BackupInfo" not in q} | set(zips)):
            z, x = now.get(p + ".zip"), now.get(p + ".xml")
            if z is None or x is None:
                never.add(p)
                if p in zips or z is not None or x is not None: noticed.add(p)
                continue
            if p in zips and z == zips[p] and x == xmls[p]: must.add(p); continue
            got = fields(x); o = opened.get(hashlib.sha256(z).digest())
            blob = None
            if got and o:
                try: w = bytes.fromhex(got.get("EncryptedBackupEncryptionKey", ""))
                except ValueError: w = b""
                blob = next((bl for y, bl in ((fields(read_x), t.blobs[s["id"]]) for s, read_x in ((s, xmls[rel(base(s["xml"]))]) for s in t.snaps))
                             if y["EncryptedBackupEncryptionKey"] == w.hex()), None)
            if o is None or (got is not None and blob != o[0] and got["#root"] == "BackupSnapshot"): never.add(p); noticed.add(p)
            elif got is None: noticed.add(p)                          # may be read (UTF-16) or not, but something must be said
            elif p not in xmls: noticed.add(p)                        # under another name
            else:
                was = fields(xmls[p]); diff = {q for q in set(got) | set(was) if got.get(q) != was.get(q)} - {"EncryptedBackupEncryptionKey"}   # another wrapping of the same key
                if p[:12].isdigit(): diff -= {"StampVersion"}        # before 2102 nothing but the summary says which it is
                if diff - BENIGN: noticed.add(p)
        # ask
        text = [runner.run(["list"], share, json_out=False), runner.run(["verify"] + runner.keys(), share, json_out=False)]
        rc0, listed = runner.run(["list"], share)
        rc1, v = runner.run(["verify"] + runner.keys(), share)
        rc2, blind = runner.run(["verify"], share)
        need("result" in v and "result" in listed and "result" in blind, f"no result: {str(v)[:300]}")
        v, listed = v["result"], listed["result"]
        states = {s["path"]: s["state"] for s in v["snapshots"]}
        new = [f for f in v["findings"] if key_of(f) not in healthy]
        for p in must: need(states.get(p) == "verified", f"whole and not verified: {p}: {states.get(p)}")
        for p in never: need(states.get(p) != "verified", f"NOT WHOLE AND VERIFIED: {p}")
        for p in noticed:
            d = os.path.dirname(p)
            hit = [f for f in new if p in f["path"] or p in f["seen"] or (f["path"] == d and p not in states) or
                   (p not in now and os.path.basename(p).split("_")[1:2] and os.path.basename(p).split("_")[1] in f["path"] + f["seen"])]
            gone = p + ".zip" not in now and p + ".xml" not in now
            need(hit or states.get(p) not in (None, "verified") or gone and new, f"nothing is said of {p}: state {states.get(p)}")
        changed = set(states.values()) - {"verified"}
        need(not any(f["severity"] == "critical" for f in v["findings"]) or rc1 == 3, f"critical, but exit code {rc1}")
        need(not changed or rc1 == 3, f"states {changed}, but exit code {rc1}")
        need(v["state"] != "verified" or not changed, f"states {changed}, but all in all {v['state']}")
        for b in listed["backups"]:
            chain = [c for q in b["repositories"] for c in q["chain"]]
            c = [x for x in v["backups"] if (x["id"], x["store"]) == (b["id"], b["store"])]
            if c and any(states.get(x) != "verified" for x in chain): need(c[0]["state"] != "verified", f"backup {b['id']} counts as verified, its chain is not")
            need(b["readiness"] != "ready" or all(q["is_complete"] for q in b["repositories"] if q["is_essential"]), f"ready, but incomplete: {b['id']}")
        # extract one
        plain = {}
        for z, (_, zp) in opened.items():
            with zipfile.ZipFile(io.BytesIO(zp)) as q: plain[z] = {i.filename: q.read(i) for i in q.infolist()}
        for b in r.sample(listed["backups"], min(2, len(listed["backups"]))):
            if runner.run(["show", b["id"]], share)[1].get("result") is None: stats["no show"] = stats.get("no show", 0) + 1
            to = os.path.join(out, "to"); shutil.rmtree(to, ignore_errors=True)
            rc, e = runner.run(["extract", b["id"], "--to", to] + runner.keys(), share)
            st = {os.path.basename(s["path"]): s for s in e["result"]["snapshots"]} if "result" in e else {}
            for f in files_of(to) if os.path.isdir(to) else []:
                q = os.path.relpath(f, to).split(os.sep); data = read(f); name = "/".join(q[2:]) or "/".join(q[1:])
                okay = any(name in d and d[name] == data or "/".join(q[1:]) in d and d["/".join(q[1:])] == data for d in plain.values())
                need(okay, f"extract left what nobody wrote: {os.path.relpath(f, to)}")
            need(sorted(os.listdir(out)) in (["share"], ["share", "to"]), f"extract wrote beside: {os.listdir(out)}")
            if st and any(s["state"] != "verified" for s in st.values()): need(rc != 0, f"extract of {b['id']}: exit code 0, states {[s['state'] for s in st.values()]}")
            if any(not q["is_complete"] for q in b["repositories"]):
                need(rc != 0, f"extract of {b['id']}: exit code 0, although {[q['name'] for q in b['repositories'] if not q['is_complete']]} is not complete")
            stats["extracts"] = stats.get("extracts", 0) + 1
        for k2, n in (("must", len(must)), ("never", len(never)), ("noticed", len(noticed)), ("mutations", len(log)), ("steps", 1)): stats[k2] = stats.get(k2, 0) + n
    except Fault as e:
        raise Fault(f"seed {seed} step {k}\n  mutations:\n    " + "\n    ".join(log) + f"\n  fault: {e}") from None


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--program", default="azs-backup")
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--steps", type=int, default=20)
    a.add_argument("--only", type=int, help="only this step")
    o = a.parse_args()
    program = os.path.abspath(shutil.which(o.program) or o.program)
    with tempfile.TemporaryDirectory() as work:
        keys = os.path.join(work, "keys")
        pairs = {"new": gen.make_pair(keys, "new", 2048, 20), "old": gen.make_pair(keys, "old", 2048, 400)}
        runner = Runner(program, work, [p["path"] for p in pairs.values()], gen.PASSWORD, [])
        stats = {}
        for k in [o.only] if o.only is not None else range(o.steps):
            try: step(runner, pairs, work, o.seed, k, stats)
            except Fault as fault:
                print(f"FAULT {fault}", flush=True)
                return 1
    print(f"seed {o.seed}: {stats}, {runner.calls} calls, peak {runner.peak} KiB: all as the model says")
    return 0


if __name__ == "__main__":
    sys.exit(main())
