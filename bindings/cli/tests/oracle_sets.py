"""What an operator does with sets, and that it does what the model says."""

import hashlib
import json
import os
import shutil
import signal
import time

from oracle_world import PLACES, World, Wrong, difference, snapshot, tree


class Sets(World):
    def backup_arguments(self, place=None, state=None):
        r = self.random
        place = place or r.choice(PLACES)
        arguments = ["backup", "--root", r.choice([self.path("share"), "share", "./share/", "../" + os.path.basename(self.at) + "/share"]),
                     "--place", place, "--cer", "k.cer", "--create", "--json"]
        if state or r.random() < 0.7:
            arguments += ["--state", state or r.choice(["state", "state/sub", self.path("state2")])]
        for option, value in (("--level", str(r.randint(-7, 6))), ("--segment-size", str(r.choice([4 << 20, 5_000_001, 12582912]))),
                              ("--workers", str(r.randint(1, 4))), ("--recheck", str(r.randint(1, 3))),
                              ("--label", "note=" + r.choice(["x", "\u00fc" * 100, "a=b", "line", "'"])),
                              ("--renew-after-days", str(r.choice([0, 1, 400])))):
            if r.random() < 0.2:
                arguments += [option, value]
        if r.random() < 0.15:
            arguments.append("--reread-everything")
        arguments += ["--source", "data=" + r.choice([self.path("sources", "data"), "sources/data", "./sources/../sources/data/"])]
        return place, arguments

    def do_backup(self):
        place, arguments = self.backup_arguments()
        before = self.on_share()
        content = snapshot(self.source, b"data")
        ran = self.run(arguments, {0})
        new = self.on_share() - before
        if len(new) != 1 or self.took(ran, place) not in new:
            raise Wrong("new sets %s: %s" % (new, ran))
        self.sets[new.pop()] = content

    def do_dry_run(self):
        _, arguments = self.backup_arguments()
        before = tree(self.at)
        ran = self.run(arguments + ["--dry-run"], {0, 1})
        after = tree(self.at)
        if before != after:
            raise Wrong("a dry run changes: %s\n%s" % (difference(before, after), ran))

    def do_stdin(self):
        before = self.on_share()
        data = self.random.randbytes(self.random.choice([1, 0, 100, 2_000_000]))
        place = self.random.choice(PLACES)
        ran = self.run(["backup", "--root", "share", "--place", place, "--cer", "k.cer", "--create", "--stdin", "tor1/running"],
                       {0, 1, 3}, stdin=data)
        for name in self.on_share() - before:
            got = self.start(["cat", "--root", "share", name, "tor1/running", "--pfx", "k.pfx"])
            out, err = got.communicate()
            if got.returncode or out != data:
                raise Wrong("cat of stdin: %s %s" % (err, ran))
            self.sets[name] = None

    def do_list(self):
        for deployment in ["contoso.com/nyc"]:
            if not self.on_share():
                return
            ran = self.run(["list", "--root", "share", "--deployment", deployment, "--json"], {0, 3})
            result = json.loads(ran.out)["result"]
            text = json.dumps(result)
            for name in self.sets:
                if name.rsplit("/", 1)[1] not in text:
                    raise Wrong("not listed: %s: %s" % (name, ran))

    def do_verify(self, name=None):
        name = name or self.pick()
        if not name:
            return
        arguments = ["verify", "--json"]
        if self.random.random() < 0.7:
            arguments += ["--pfx", "k.pfx"]
        arguments += [self.path("share", name)] if self.random.random() < 0.5 else ["--root", "share", name]
        ran = self.run(arguments, {0, 3} if self.churned(name) else {0})

    def do_restore(self, name=None):
        name = name or self.pick()
        if not name or self.sets[name] is None:
            return
        into = self.path("into")
        arguments = ["restore", "--root", "share", name, "--pfx", "k.pfx", "--into", self.random.choice(["into", into]), "--json"]
        if self.random.random() < 0.2:
            arguments.append("--by-index")
        lax = False
        if self.random.random() < 0.2:  # ended by a signal, then continued
            process = self.start(arguments)
            time.sleep(self.random.random() * 0.3)
            how = self.random.choice([signal.SIGTERM, signal.SIGKILL])
            process.send_signal(how)
            ran = self.end(process, arguments, {0, 130, -how})
            existing = self.random.choice(["replace", "keep"])
            ran = self.run(arguments + ["--existing", existing], {0, 3} if existing == "keep" or self.churned(name) else {0})
            if ran.code == 3:  # it names the modes of folders that were kept
                lax = "mode of folders that were kept" in ran.out
        else:
            self.run(arguments, {0, 3} if self.churned(name) else {0})
        self.compare(name, into, lax)
        if self.random.random() < 0.5:
            ran = self.run(["diff", "--root", "share", name, "--folder", into, "--pfx", "k.pfx", "--json"], {0, 3} if lax or self.churned(name) else {0})
        shutil.rmtree(into)

    def compare(self, name, into, lax):
        want = dict(self.sets[name])
        got = snapshot(os.fsencode(into) + b"/data", b"data")
        if want.pop("churned", False):
            got = {p: c for p, c in got.items() if not p.startswith(b"data/zz-churn") and p != b"data"}
        if lax:
            want = {p: c[:1] if c[0] == "folder" else c for p, c in want.items() if p != "churned"}
            got = {p: c[:1] if c[0] == "folder" else c for p, c in got.items()}
        if os.geteuid() != 0:  # set-user-ID and the like need rights
            want = {p: c[:2] for p, c in want.items()}
            got = {p: c[:2] for p, c in got.items()}
        if want != got:
            raise Wrong("restored otherwise: %s\n%s" % (name, difference(want, got)))
        others = [n for n in os.listdir(os.fsencode(into)) if n != b"data"]
        if others:
            raise Wrong("left in the target: %s" % others)

    def do_cat(self):
        name = self.pick()
        if not name or self.sets[name] is None:
            return
        files = [p for p in self.sets[name] if isinstance(p, bytes) and self.sets[name][p][0] == "file"]
        if not files:
            return
        path = self.random.choice(sorted(files))
        process = self.start(["cat", "--root", "share", name, "--pfx", "k.pfx", path])
        out, err = process.communicate(timeout=60)
        if process.returncode == 2 and b"invalid UTF-8" in err:
            return self.known("a file whose name is not UTF-8 cannot be named: %r" % path)
        if process.returncode or hashlib.sha256(out).hexdigest() != self.sets[name][path][1]:
            raise Wrong("cat %r of %s: %s %s" % (path, name, process.returncode, err))

    def do_diff(self):
        one, other = self.pick(), self.pick()
        if not one or self.sets[one] is None or self.sets[other] is None:
            return
        one_set, other_set = self.sets[one], self.sets[other]
        if "churned" in one_set or "churned" in other_set:
            return
        ran = self.run(["diff", "--root", "share", one, "--with", other, "--pfx", "k.pfx", "--json"], {0, 3})
        names = lambda s: {p: c[:2] for p, c in s.items() if c[0] != "folder"}
        if names(one_set) != names(other_set) and ran.code == 0:
            raise Wrong("no difference? %s\n%s" % (difference(names(one_set), names(other_set)), ran))
        if one == other and ran.code != 0:
            raise Wrong("differs from itself: %s" % ran)

    def do_show(self):
        name = self.pick()
        if name:
            arguments = ["show", "--root", "share", name]
            if self.random.random() < 0.6:
                arguments += ["--files", "--pfx", "k.pfx"]
            if self.random.random() < 0.5:
                arguments.append("--json")
            self.run(arguments, {0})

    def do_retention(self):
        r = self.random
        arguments = ["retention", "--root", "share", "--deployment", "contoso.com/nyc", "--json"]
        for option, most in (("--keep-last", 4), ("--keep-daily", 3), ("--keep-days", 2), ("--grace-hours", 30)):
            if r.random() < 0.4:
                arguments += [option, str(r.randint(0, most))]
        before = tree(self.path("share"))
        planned = self.run(arguments + ["--dry-run"], {0, 1, 2, 3})
        if tree(self.path("share")) != before:
            raise Wrong("a dry run deletes: %s" % planned)
        sets = self.on_share()
        ran = self.run(arguments, {0, 1, 2, 3})
        gone = sets - self.on_share()
        if ran.code in (1, 2) and gone:
            raise Wrong("fails and deletes %s: %s" % (gone, ran))
        for name in gone:
            self.sets.pop(name, None)
            self.maybe.discard(name)
        for place in PLACES:
            had = sorted(n for n in sets if n.startswith(place + "/") and n in self.sets or n in gone and n.startswith(place + "/"))
            complete = [n for n in had if n not in self.maybe]
            if complete and not any(n.startswith(place + "/") for n in self.sets):
                if not all(n in self.maybe for n in had):
                    raise Wrong("retention leaves %s nothing: %s" % (place, ran))
