"""What goes wrong around the program: signals, two at once, damage, full and closed streams, odd arguments, nights."""

import hashlib
import os
import shutil
import signal
import subprocess
import time

from oracle_sets import Sets
from oracle_world import CODES, PLACES, Ran, Wrong, difference, snapshot, tree


class Harm(Sets):
    def do_signal(self):
        """A backup that a signal ends: what it leaves is whole or not there; SIGKILL may leave something incomplete."""
        place, arguments = self.backup_arguments()
        before, content = self.on_share(), snapshot(self.source, b"data")
        process = self.start(arguments)
        how = self.random.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
        time.sleep(self.random.random() ** 2 * 0.8)
        process.send_signal(how)
        twice = self.random.random() < 0.3 and how != signal.SIGKILL
        if twice:
            time.sleep(self.random.random() * 0.02)
            process.send_signal(how)
        try:
            # Before its first long work the signal has its usual effect.
            ran = self.end(process, arguments, {0, 130, -how})
        except Wrong as wrong:
            # A second signal ends it at once.
            if not twice or "no JSON" not in str(wrong) and "left in the temporary" not in str(wrong):
                raise
            ran = Ran(arguments, -how, "", "")
        for name in self.on_share() - before:
            if self.complete(name):
                self.sets[name] = content
                if ran.code == 130:
                    self.note("a cancelled run has a complete set: %s" % name)
            elif ran.code >= 0:
                raise Wrong("half-made: %s: %s: %s" % (name, os.listdir(self.path("share", name)), ran))
            else:
                self.maybe.add(name)
        if ran.code < 0:
            shutil.rmtree(self.path("tmp"))
            os.mkdir(self.path("tmp"))

    def do_two(self):
        place = self.random.choice(PLACES)
        before, content = self.on_share(), snapshot(self.source, b"data")
        state = self.random.choice(["state", "state"])
        runs = [self.backup_arguments(place, state)[1] for _ in range(2)]
        processes = [(self.start(a), a) for a in runs]
        ended = [self.end(p, a, {0, 1, 4}) for p, a in processes]
        if all(e.code for e in ended):
            raise Wrong("neither of two: %s\n%s" % tuple(ended))
        for name in self.on_share() - before:
            if not self.complete(name):
                raise Wrong("half-made by two: %s\n%s\n%s" % (name, ended[0], ended[1]))
            self.sets[name] = content

    def do_churn(self):
        """Files change and vanish while they are read."""
        place, arguments = self.backup_arguments()
        arguments += ["--source-problems", self.random.choice(["report", "fail"])]
        churn = self.source + b"/zz-churn"
        os.makedirs(churn, exist_ok=True)
        for n in range(40):
            with open(churn + b"/%d" % n, "wb") as file:
                file.write(os.urandom(200_000))
        content, before = snapshot(self.source, b"data"), self.on_share()
        process = self.start(arguments)
        while process.poll() is None:
            path = churn + b"/%d" % self.random.randint(0, 39)
            try:
                if self.random.random() < 0.3:
                    os.unlink(path)
                else:
                    with open(path, self.random.choice(["r+b", "wb"])) as file:
                        file.write(os.urandom(self.random.randint(0, 300_000)))
            except FileNotFoundError:
                pass
            if process.stdout is None:
                break
            time.sleep(0.002)
        ran = self.end(process, arguments, {0, 1, 3})
        for name in self.on_share() - before:
            if not self.complete(name):
                raise Wrong("half-made: %s %s" % (name, ran))
            self.sets[name] = {p: c for p, c in content.items() if not p.startswith(b"data/zz-churn") and p != b"data"}
            # What changed is not compared; everything else is.
            self.sets[name]["churned"] = True
        shutil.rmtree(churn)

    def do_damage(self):
        """A damaged copy: it is said, and nothing wrong comes out of it."""
        name = self.pick()
        if not name or self.sets[name] is None:
            return
        r, place = self.random, name.rsplit("/", 1)[0]
        copy = self.path("elsewhere", os.path.basename(name))
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.path("share", name), copy)
        files = sorted(os.listdir(copy))
        for _ in range(r.choice([1, 1, 2, 4])):
            file = os.path.join(copy, r.choice(files))
            if not os.path.isfile(file):
                continue
            how, size = r.randrange(7), os.path.getsize(file)
            if how == 0:
                os.unlink(file)
            elif how == 1:
                os.truncate(file, r.randint(0, size))
            elif how == 2 and size:
                with open(file, "r+b") as f:
                    f.seek(r.randrange(size))
                    byte = f.read(1)
                    f.seek(-1, 1)
                    f.write(bytes([byte[0] ^ (1 << r.randrange(8))]))
            elif how == 3:
                with open(file, "wb") as f:
                    f.write(r.randbytes(r.choice([0, 10, 100_000])))
            elif how == 4:
                with open(file, "ab") as f:
                    f.write(r.randbytes(10))
            elif how == 5:
                other = os.path.join(copy, r.choice(files))
                if os.path.exists(other) and other != file:
                    os.replace(other, file)
            else:
                os.unlink(file)
                os.mkdir(file)
        where = [copy, "--place", place]
        changed = any(not os.path.isfile(os.path.join(copy, f)) or open(os.path.join(copy, f), "rb").read()
                      != open(self.path("share", name, f), "rb").read() for f in files)
        for arguments in (["verify"], ["verify", "--pfx", "k.pfx"], ["show"], ["show", "--files", "--pfx", "k.pfx"],
                          ["diff", "--pfx", "k.pfx", "--folder", self.path("sources")]):
            ran = self.run(arguments[:1] + where + arguments[1:] + ["--json"], {0, 1, 3})
            if arguments == ["verify", "--pfx", "k.pfx"] and ran.code == 0 and changed:
                raise Wrong("damage is not found: %s" % ran)
        into = self.path("into")
        for options in ([], ["--damage", "continue"], ["--damage", "continue", "--by-index"]):
            of = [copy] if "--by-index" in options else where
            ran = self.run(["restore"] + of + ["--pfx", "k.pfx", "--into", into, "--json"] + options, {0, 1, 3})
            if os.path.exists(into):
                want = self.sets[name]
                got = snapshot(os.fsencode(into) + b"/data", b"data") if os.path.exists(into + "/data") else {}
                for path, what in got.items():
                    if "churned" in want and (path.startswith(b"data/zz-churn") or path == b"data"):
                        continue
                    if path not in want or want[path][:2] != what[:2] and what[0] != "folder":
                        raise Wrong("wrong content from a damaged set: %r %r %r: %s" % (path, want.get(path), what, ran))
                if ran.code == 0 and "churned" not in want and set(got) != set(want):
                    raise Wrong("success without all: %s\n%s" % (difference(want, got), ran))
                shutil.rmtree(into)
        files = [p for p in self.sets[name] if isinstance(p, bytes) and self.sets[name][p][0] == "file"]
        if files:
            path = r.choice(sorted(files))
            process = self.start(["cat"] + where + ["--pfx", "k.pfx", path])
            out, err = process.communicate(timeout=60)
            if b"panicked" in err or process.returncode == 0 and hashlib.sha256(out).hexdigest() != self.sets[name][path][1] \
                    or process.returncode and out:
                raise Wrong("cat of a damaged set: %r %d %r %s" % (path, process.returncode, out[:50], err))
        shutil.rmtree(copy)

    def do_state(self):
        """The state is lost, damaged or that of another time: it costs time, never content."""
        states = [p for p in tree(self.at) if b"/state" in p and os.path.isfile(p)]
        if not states:
            return
        path, how = self.random.choice(sorted(states)), self.random.randrange(5)
        size = os.path.getsize(path)
        if how == 0:
            os.unlink(path)
        elif how == 1:
            os.truncate(path, self.random.randint(0, size))
        elif how == 2 and size:
            with open(path, "r+b") as f:
                f.seek(self.random.randrange(size))
                f.write(self.random.randbytes(3))
        elif how == 3:
            with open(path, "wb") as f:
                f.write(self.random.randbytes(100))
        else:
            shutil.rmtree(os.path.dirname(path))
        place, arguments = self.backup_arguments(state=os.fsdecode(os.path.relpath(path, os.fsencode(self.at))).split("/")[0])
        before, content = self.on_share(), snapshot(self.source, b"data")
        ran = self.run(arguments, {0, 1, 3})
        if ran.code == 1:
            again = self.run(arguments, {0, 1, 3})
            if again.code == 1:
                self.known("a damaged state stops every backup: %r how %d: %s" % (path, how, again))
                shutil.rmtree(os.path.join(self.at, arguments[arguments.index("--state") + 1]), ignore_errors=True)
        for name in self.on_share() - before:
            if not self.complete(name):
                raise Wrong("half-made: %s" % ran)
            self.sets[name] = content
            self.do_restore(name)

    def do_streams(self):
        """Streams that are closed, full or a pipe that nobody reads: never a panic, and what is done is done."""
        place, backup = self.backup_arguments()
        name = self.pick() or "contoso.com/nyc/Switches/latest"
        arguments = self.random.choice([
            backup, ["list", "--root", "share", "--deployment", "contoso.com/nyc"], ["list", "--root", "nope", "--deployment", "a.b/c"],
            ["show", "--root", "share", name, "--files", "--pfx", "k.pfx"], ["verify", "--root", "share", name], ["--help"], ["bogus"],
            ["man"], ["completions", "bash"], ["verify", "--root", "share", "contoso.com/nyc/Switches/none"], ["classify", "53"]])
        before, content = self.on_share(), snapshot(self.source, b"data")
        line = "exec \"$0\" \"$@\" " + self.random.choice(["", "<&-"]) + " " + \
            self.random.choice(["", ">&-", ">/dev/full", "> >(exec true)"]) + " " + self.random.choice(["", "2>&-", "2>/dev/full", "2> >(exec true)"])
        line = line.strip()
        process = subprocess.Popen(["bash", "-c", line, self.program] + arguments, cwd=self.at, env=self.environment(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = process.communicate(timeout=60)
        if process.returncode not in CODES:
            self.known("exit code %d: %s %r %s" % (process.returncode, line, arguments, err))
        for name in self.on_share() - before:
            if self.complete(name):
                self.sets[name] = content
            elif process.returncode == 0:
                raise Wrong("half-made: %s" % name)
            else:
                raise Wrong("half-made after %d: %s: %s" % (process.returncode, name, line))

    def do_arguments(self):
        r = self.random
        odd = ["", " ", "\u00fc", "-1", "0", "99999999999999999999", "nan", "inf", "1e400", "..", "/", "a\nb", "\\\\x\\y", "\\\\", "%s", "x" * 5000,
               b"\xff\xfe", "contoso.com/nyc/Switches", "contoso.com/MASBackup", "contoso.com/nyc/../x", "CON", "2026", "latest", "\x1b[31m"]
        options = {"backup": ["--root", "--place", "--cer", "--state", "--label", "--exclude", "--source", "--stdin", "--level", "--segment-size",
                              "--workers", "--set-name", "--recheck", "--renew-after-days", "--distrust", "--port"],
                   "list": ["--root", "--deployment", "--component", "--connect-limit"],
                   "retention": ["--root", "--deployment", "--keep-last", "--pin", "--make-room", "--room-for", "--keep-label", "--grace-hours"],
                   "restore": ["--root", "--pfx", "--into", "--place", "--pfx-password-fd"], "key": [],
                   "verify": ["--root", "--place", "--pfx"], "classify": []}
        command = r.choice(sorted(options))
        given = {"--root": "share", "--place": PLACES[0], "--cer": "k.cer", "--deployment": "contoso.com/nyc", "--pfx": "k.pfx", "--into": "into-odd"}
        arguments = [command] + (["show"] if command == "key" else [])
        for option in options[command]:
            if option in given and r.random() < 0.8:
                arguments += [option, given[option]]
            elif r.random() < 0.2:
                arguments += [option, r.choice(odd)]
        arguments += [r.choice(odd) for _ in range(r.randint(0, 2))]
        files = tree(self.at)
        if command in ("backup", "retention"):
            arguments.append("--dry-run")
        process = subprocess.Popen([self.program] + arguments, cwd=self.at, env=self.environment(), stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = process.communicate(timeout=100)
        if process.returncode not in CODES or b"panicked" in err:
            raise Wrong("exit code %d: %r %s" % (process.returncode, arguments, err))
        if b"\x1b" in out + err:
            self.known("an escape sequence is printed: %r %r" % (arguments, (out + err)[:300]))
        if command in ("backup", "retention") and tree(self.at) != files:
            raise Wrong("a dry run changes: %s %r" % (difference(files, tree(self.at)), arguments))
        shutil.rmtree(self.path("into-odd"), ignore_errors=True)

    def nightly_configuration(self):
        r = self.random
        text = ['deployment = "contoso.com/nyc"', 'certificates = ["k.cer"]' if r.random() < 0.2 else 'certificates = ["%s"]' % self.path("k.cer"),
                'state = "%s"' % self.path("state-nightly"), "[share]", "root = '%s'" % self.path("share"), "[schedule]",
                "frequency_hours = %d" % r.choice([4, 6, 12]), "[report]", 'json = "%s"' % self.path("report.json")]
        if r.random() < 0.3:
            text += ["[retention]", "keep_last = %d" % r.randint(1, 5)]
        for place in PLACES[:r.randint(1, 2)]:
            text += ["[[component]]", 'name = "%s"' % place.split("/", 2)[2], 'sources = ["%s"]' % os.fsdecode(self.source),
                     "[component.options]", "create = true"]
        with open(self.path("site.toml"), "w", encoding="utf-8") as file:
            file.write("\n".join(text) + "\n")

    def do_nightly(self):
        self.nightly_configuration()
        before, content = self.on_share(), snapshot(self.source, b"data")
        state = tree(self.at)
        ran = self.run(["nightly", "--config", "site.toml", "--dry-run"], {0, 1, 2, 3, 4})
        if tree(self.at) != state:
            self.known("a dry run of nightly changes: %s" % difference(state, tree(self.at)))
        arguments = ["nightly", "--config", "site.toml", "--json"] + (["--now"] if self.random.random() < 0.8 else [])
        kind = self.random.random()
        if kind < 0.3:
            processes = [self.start(arguments) for _ in range(2)]
            runs = [self.end(p, arguments, {0, 1, 2, 3, 4}) for p in processes]
        elif kind < 0.6:
            process = self.start(arguments)
            how = self.random.choice([signal.SIGTERM, signal.SIGKILL, signal.SIGINT])
            time.sleep(self.random.random() * 0.6)
            process.send_signal(how)
            runs = [self.end(process, arguments, {0, 1, 3, 130, -how})]
            shutil.rmtree(self.path("tmp"))
            os.mkdir(self.path("tmp"))
            runs.append(self.run(arguments, {0, 1, 2, 3, 4}))
        else:
            runs = [self.run(arguments, {0, 1, 2, 3, 4})]
        after = self.on_share()
        for name in before - after:
            self.sets.pop(name, None)
            self.maybe.discard(name)
        for name in after - before:
            if self.complete(name):
                self.sets[name] = content
            elif any(run.code < 0 for run in runs):
                self.maybe.add(name)
            else:
                raise Wrong("half-made by nightly: %s %s" % (name, runs[-1]))
