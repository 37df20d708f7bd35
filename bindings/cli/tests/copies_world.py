"""Two shares: sets at the first, whole or damaged, and hostile things at the other where their copies go."""

import random
import tempfile
from pathlib import Path

from copies_sets import PLACES, REGION, content, cover_of, make_set, random_files, sets_of, sha, write


class World:
    def __init__(self, program, seed):
        self.program, self.seed, self.rng = program, seed, random.Random(seed)
        self.dir = Path(tempfile.mkdtemp(prefix="azs-copies-"))
        self.a, self.b, self.outside = (self.dir / x for x in ("a", "b", "outside"))
        for root in (self.a, self.b):
            (root / REGION).mkdir(parents=True)
        self.outside.mkdir()
        (self.outside / "canary").write_bytes(b"canary")
        self.originals = {}
        self.log, self.good, self.blocked, self.rot = [], {}, set(), set()

    def say(self, text):
        self.log.append(text)

    def fail(self, text):
        raise AssertionError(f"seed {self.seed}: {text}\n  world kept in {self.dir}\n  " + "\n  ".join(self.log))

    def build(self):
        rng, clock = self.rng, 0
        for place in rng.sample(PLACES, rng.randrange(1, 4)):
            base, files = None, None
            for _ in range(rng.randrange(1, 5)):
                clock += rng.randrange(1, 50)
                name = f"202611{1 + clock // 24 % 28:02}T{clock % 24:02}0000Z-{rng.getrandbits(32):08x}"
                files = random_files(rng, files if rng.random() < 0.8 else None)
                labels = {"pinned": "yes"} if rng.random() < 0.1 else None
                base = make_set(self.a, place, name, files, base, labels=labels)
        for (place, name), found in sets_of(self.a).items():
            folder = self.a / REGION / place / name
            kind = rng.choice(
                ["whole"] * 6 + ["flip", "cut", "gone", "no cover", "sums", "extra", "folder", "link", "p7s"]
            )
            self.originals[place, name] = found
            stored = sorted(set(found) - {"backup.json", "SHA256SUMS"})
            victim = folder / rng.choice(stored)
            if kind == "flip":
                data = bytearray(victim.read_bytes())
                data[rng.randrange(len(data))] ^= 1
                write(victim, bytes(data))
            elif kind == "cut":
                write(victim, victim.read_bytes()[:-1])
            elif kind == "gone":
                victim.unlink()
            elif kind == "no cover":
                (folder / "backup.json").unlink()
            elif kind == "sums":
                lines = (folder / "SHA256SUMS").read_text().splitlines(True)
                bad = rng.choice(
                    [
                        "../canary",
                        "backup.json",
                        "SHA256SUMS",
                        "/tmp/azs-evil",
                        "x/../y",
                        "a\\b",
                        "C:evil",
                        ".",
                        "..",
                        "backup.json.p7s",
                        "unfinished-x",
                        "BACKUP.JSON",
                        "a/b",
                        "nul",
                        "index-000000.jsonl.zst.p7m ",
                        lines[0].split()[1],
                        lines[0].split()[1].upper(),
                        "x" * 300,
                    ]
                )
                lines.insert(rng.randrange(len(lines) + 1), f"{sha(b'')}  {bad}\n")
                sums = "".join(lines).encode()
                write(folder / "SHA256SUMS", sums)
                size = sum(len(found[f]) for f in stored)
                write(folder / "backup.json", cover_of(place, name, sums, size, len(lines)))
                self.blocked.add((place, name))  # may be taken or refused; must do no harm
            elif kind == "extra":
                (
                    folder / rng.choice(["evil.txt", "unfinished-x", "000099-" + "0" * 32 + ".tar.zst.p7m"])
                ).write_bytes(b"e")
                self.blocked.add((place, name))
            elif kind == "folder":
                victim.unlink()
                victim.mkdir()
            elif kind == "link":
                victim.unlink()
                victim.symlink_to(self.outside / "canary")
            elif kind == "p7s":
                write(folder / "backup.json.p7s", rng.randbytes(rng.choice([0, 10, 1600, 70_000])))
            if kind in ("whole", "p7s"):
                self.good[place, name] = content(folder)
                if kind == "p7s" and not 0 < len(self.good[place, name]["backup.json.p7s"]) <= 65536:
                    self.blocked.add((place, name))  # no signature can be like that
            self.say(f"a/{place}/{name}: {kind}")
            self.plant(place, name, found)

    def plant(self, place, name, found):
        rng, folder = self.rng, self.b / REGION / place / name
        kind = rng.choice(
            ["none"] * 5
            + [
                "copy",
                "part",
                "part",
                "conflict",
                "file dir",
                "link file",
                "link dir",
                "cover dir",
                "damaged",
                "case",
                "unfinished",
                "set file",
                "set link",
                "other p7s",
            ]
        )
        if kind == "none":
            return
        self.say(f"b/{place}/{name}: {kind}")
        names = sorted(set(found) - {"backup.json"})
        if kind == "case":
            other = self.b / REGION / place / name.upper().replace("Z", "z")
            other.mkdir(parents=True, exist_ok=True)
            (other / "x").write_bytes(b"x")
            self.blocked.add((place, name))
            return
        if kind in ("set file", "set link"):
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.write_bytes(b"x") if kind == "set file" else folder.symlink_to(self.outside)
            self.blocked.add((place, name))
            return
        if kind == "conflict":
            make_set(self.b, place, name, random_files(rng))
            self.blocked.add((place, name))
            return
        folder.mkdir(parents=True)
        for file in (
            names if kind in ("copy", "other p7s", "damaged") else rng.sample(names, rng.randrange(len(names) + 1))
        ):
            if found[file] is not None:
                (folder / file).write_bytes(found[file])
        if kind in ("copy", "other p7s", "damaged") and found.get("backup.json") is not None:
            (folder / "backup.json").write_bytes(found["backup.json"])
        victim = folder / rng.choice([n for n in names if n != "SHA256SUMS"])
        if kind == "other p7s":
            write(folder / "backup.json.p7s", b"the other share's own")
        elif kind == "damaged":  # a set with a cover sheet here that is not whole: may be mended, or named
            data = victim.read_bytes()
            rng.choice([lambda: write(victim, data[:-1]), victim.unlink, lambda: write(victim, b"\0" * len(data))])()
            self.rot.add(b"\0" * len(data))  # what rots there at its full length is linked: docs/copies.md says so
            self.blocked.add((place, name))
        elif kind in ("file dir", "link file", "link dir", "cover dir", "unfinished"):
            if kind == "cover dir":
                victim = folder / "backup.json"
            if kind == "unfinished":
                victim = folder / ("unfinished-" + victim.name)
            victim.unlink(missing_ok=True)
            if kind in ("file dir", "cover dir"):
                victim.mkdir()
            elif kind == "unfinished":
                rng.choice(
                    [
                        lambda: victim.write_bytes(b"x"),
                        lambda: victim.symlink_to(self.outside / "canary"),
                        victim.mkdir,
                    ]
                )()
            else:
                victim.symlink_to(self.outside / "canary" if kind == "link file" else self.outside)
            self.blocked.add((place, name))
