"""A share, sources and a state for azs-backup, the model of what the share must hold, and what is judged of each run."""

import hashlib
import json
import os
import random
import re
import shutil
import stat
import subprocess
import tempfile

CODES = {0, 1, 2, 3, 4, 130}
SECRET = "pa55-Geheim-\u00fc-" + "x7Q"
PLACES = ["contoso.com/nyc/Switches", "contoso.com/nyc/HLH/su1", "contoso.com/nyc/Registration"]
ODD = [b"a", b"b.tmp", b"c d", b"-rf", b"\xff\xfe", b"new\nline", b"tab\t", b"quote'\"", b"back\\slash", b"\xc3\xbc",
       b"u\xcc\x88", b"CON", b"dot.", b"x" * 255, b"~$a", b"*", b"!neg", b"#hash", b"%41", b"\xe2\x80\xaertl", b"\x1b[31m",
       b"\x7f", b"\x01", b":colon", b"latest", b"A", b"..."]
# What is known to be wrong, and how often it was seen.
KNOWN = {}


class Wrong(Exception):
    pass


class Ran:
    def __init__(self, arguments, code, out, err):
        self.arguments, self.code, self.out, self.err = arguments, code, out, err

    def __str__(self):
        return "%r\nexit code %s\nstdout: %s\nstderr: %s" % (self.arguments, self.code, self.out[:1500], self.err[:1500])


def snapshot(folder, prefix):
    """What a folder holds, as path in the set -> what it is."""
    content = {}
    def add(path, name):
        s = os.lstat(path)
        if stat.S_ISLNK(s.st_mode):
            content[name] = ("link", os.readlink(path))
        elif stat.S_ISDIR(s.st_mode):
            content[name] = ("folder", stat.S_IMODE(s.st_mode))
            for child in sorted(os.listdir(path)):
                add(path + b"/" + child, name + b"/" + child)
        elif stat.S_ISREG(s.st_mode):
            with open(path, "rb") as file:
                content[name] = ("file", hashlib.sha256(file.read()).hexdigest(), stat.S_IMODE(s.st_mode), s.st_mtime_ns)
    add(folder, prefix)
    return content


def tree(folder):
    """Everything about a folder that must not change in a dry run."""
    found = {}
    for at, folders, files in os.walk(os.fsencode(folder)):
        if at.endswith(b"/tmp"):
            continue
        for name in folders + files:
            path = at + b"/" + name
            if name == b"tmp":
                continue
            try:
                s = os.lstat(path)
                found[path] = (s.st_mode, s.st_size, s.st_mtime_ns, s.st_ino)
            except OSError:
                pass
    return found


def difference(left, right):
    lines = ["- %r %r" % (k, left[k]) for k in left if k not in right]
    lines += ["+ %r %r" % (k, right[k]) for k in right if k not in left]
    lines += ["! %r %r %r" % (k, left[k], right[k]) for k in left if k in right and left[k] != right[k]]
    return "\n".join(lines[:20])


class World:
    def __init__(self, program, seed, lenient=False):
        self.program, self.random, self.lenient = program, random.Random(seed), lenient
        self.at = tempfile.mkdtemp(prefix="azs-oracle-")
        for name in ("share", "sources", "tmp", "elsewhere"):
            os.mkdir(self.path(name))
        self.sets = {}          # path on the share -> its content
        self.maybe = set()      # what a killed run may have left, incomplete
        self.step = 0
        self.source = os.fsencode(self.path("sources")) + b"/data"
        os.mkdir(self.source)
        with open(self.path("password"), "w", encoding="utf-8") as file:
            file.write(SECRET)
        os.chmod(self.path("password"), 0o600)
        self.run(["key", "new", "k", "--into", self.at, "--pfx-password-file", self.path("password")], codes={0})
        for _ in range(6):
            self.change()

    def path(self, *names):
        return os.path.join(self.at, *names)

    def environment(self):
        return {"PATH": os.environ["PATH"], "TMPDIR": self.path("tmp"), "AZS_PFX_PASSWORD": SECRET, "RUST_BACKTRACE": "1"}

    def start(self, arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=None):
        return subprocess.Popen([self.program] + arguments, stdin=stdin, stdout=stdout, stderr=stderr,
                                cwd=cwd or self.at, env=self.environment())

    def end(self, process, arguments, codes=CODES, limit=120):
        try:
            out, err = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise Wrong("hangs: %r\n%s" % (arguments, err))
        ran = Ran(arguments, process.returncode, (out or b"").decode("utf-8", "surrogateescape"),
                  (err or b"").decode("utf-8", "surrogateescape"))
        self.judge(ran, codes, out is not None)
        return ran

    def run(self, arguments, codes=CODES, stdin=None, cwd=None):
        if stdin is not None:
            file = tempfile.TemporaryFile()
            file.write(stdin)
            file.seek(0)
            return self.end(self.start(arguments, stdin=file, cwd=cwd), arguments, codes)
        return self.end(self.start(arguments, cwd=cwd), arguments, codes)

    def judge(self, ran, codes, has_stdout):
        text = ran.out + ran.err
        if "panicked" in text or "stack backtrace" in text:
            raise Wrong("panic: %s" % ran)
        if SECRET in text or SECRET[6:] in text:
            raise Wrong("a secret: %s" % ran)
        if ran.code not in codes:
            raise Wrong("exit code, expected %s: %s" % (sorted(codes), ran))
        lines = ran.err.splitlines()
        # clap's own errors begin with "error: ".
        errors = [l for l in lines if re.match(r"^(error: |[A-Z][A-Z_]+: )", l)]
        if ran.code in (1, 2) and len(errors) != 1 and ran.arguments[0] not in ("nightly", "classify", "check", "key"):
            raise Wrong("%d lines of error: %s" % (len(errors), ran))
        if "--json" in ran.arguments and has_stdout and ran.code >= 0 and not (errors and errors[0].startswith("error: ")):
            try:
                document = json.loads(ran.out)
            except ValueError:
                raise Wrong("no JSON: %s" % ran)
            if document.get("version") != 1 or ("result" in document) == ("error" in document):
                raise Wrong("JSON of another form: %s" % ran)
            if "error" in document and set(document["error"]) < {"code", "message", "operation", "path", "set", "alert"}:
                raise Wrong("JSON without members: %s" % ran)
        if "\x1b" in ran.out or "\x1b" in ran.err:
            self.known("an escape sequence reaches the terminal: %s" % ran)
        if ran.code >= 0:
            left = os.listdir(self.path("tmp"))
            if left:
                raise Wrong("left in the temporary folder: %s: %s" % (left, ran))

    def change(self):
        r = self.random
        folders = [self.source]
        for at, names, _ in os.walk(self.source):
            folders += [at + b"/" + n for n in sorted(names) if not os.path.islink(at + b"/" + n)]
        folders = sorted(set(folders))
        at = r.choice(folders)
        for _ in range(r.randint(1, 5)):
            path = at + b"/" + (r.choice(ODD) if r.random() < 0.7 else b"f%d" % r.randint(0, 30))
            if len(path) > 3000:
                return
            what = r.random()
            try:
                if what < 0.15 and os.path.lexists(path):
                    shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
                elif os.path.lexists(path) and not (os.path.isfile(path) and not os.path.islink(path)):
                    continue
                elif what < 0.3:
                    os.mkdir(path)
                    os.chmod(path, r.choice([0o755, 0o700, 0o1777, 0o2755]))
                elif what < 0.4 and not os.path.lexists(path):
                    os.symlink(r.choice([b"a", b"../..", b"/etc/passwd", b"\xff", b"nowhere", b"."]), path)
                elif what < 0.45 and not os.path.lexists(path):
                    files = [self.source + b"/" + f for f in sorted(os.listdir(self.source)) if os.path.isfile(self.source + b"/" + f)]
                    if files:
                        os.link(r.choice(files), path, follow_symlinks=False)
                elif what < 0.55 and os.path.isfile(path):
                    with open(path, "r+b") as file:
                        file.seek(r.randint(0, max(0, os.path.getsize(path))))
                        file.write(r.randbytes(r.randint(1, 100)))
                else:
                    size = r.choice([0, 1, 10, 511, 512, 513, 4096, 70000, 1 << 20, r.randint(0, 3 << 20)])
                    with open(path, "wb") as file:
                        file.write(r.randbytes(size) if r.random() < 0.7 else b"abc\n" * (size // 4))
                        if r.random() < 0.05:
                            file.truncate(size + 20_000_000)
                    os.chmod(path, r.choice([0o644, 0o600, 0o400, 0o755, 0o4755, 0]) if os.geteuid() == 0 else 0o644)
            except (FileExistsError, IsADirectoryError, NotADirectoryError):
                pass

    def took(self, ran, place):
        document = json.loads(ran.out)["result"]
        name = document.get("set")
        name = name if isinstance(name, str) else "%s/%s" % (place, document["set"]["name"])
        return name if "/" in name else place + "/" + name

    def on_share(self):
        found = set()
        for place in PLACES:
            try:
                names = os.listdir(self.path("share", place))
            except FileNotFoundError:
                continue
            found |= {place + "/" + n for n in names if re.match(r"^\d{8}T\d{6}Z-", n)}
        return found

    def complete(self, name):
        return os.path.exists(self.path("share", name, "backup.json"))

    def pick(self):
        return self.random.choice(sorted(self.sets)) if self.sets else None

    def churned(self, name):
        return "churned" in (self.sets[name] or {})

    def known(self, text):
        """What is known to be wrong: with --lenient only counted, so that the walk goes on and finds more."""
        if not self.lenient:
            raise Wrong(text)
        what = text.split(":")[0]
        KNOWN[what] = KNOWN.get(what, 0) + 1

    def note(self, text):
        print("note, step %d: %s" % (self.step, text), flush=True)
