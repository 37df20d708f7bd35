#!/usr/bin/env python3
"""Random worlds against `copy`: python3 copies_oracle.py PROGRAM SEEDS [FIRST]

Each world makes synthetic sets (copy and verify need no key), damages some, plants hostile things at the
target, and runs copies that are killed, fail by injected errors (strace, if it is there), or run beside each other
and beside retention. A model in Python says what must hold after each step:
 - a set that is complete at the target is byte for byte one that was whole at the source, or was there before;
 - what was complete at the target stays as it was; nothing outside of the set folders changes;
 - the next undisturbed run completes what is good at the source, and the one after it sends nothing;
 - what is whole at the target is not sent again; no panic; exit codes are 0, 1, 3 or 4.
"""

import os
import shutil
import sys
from pathlib import Path

from copies_runs import Runs
from copies_sets import PLACES, REGION, is_whole, key_of, make_set, random_files, sets_of


class Rules(Runs):
    def run(self):
        rng, later = self.rng, []
        for place in rng.sample(PLACES, rng.randrange(1, 3)):
            hour = 0
            for _ in range(rng.randrange(1, 9)):
                hour += rng.choice([1, 1, 6, 24, 24, 50, 200])
                name = f"2026{1 + hour // 672 % 11:02}{1 + hour // 24 % 28:02}T{hour % 24:02}0000Z-{rng.getrandbits(32):08x}"
                labels = rng.choice([None] * 5 + [{"pinned": "x"}, {"k": "v"}])
                make_set(self.a, place, name, random_files(rng), content=rng.choice([5, 5, 5, 5, 2]), labels=labels)
                self.say(f"{place}/{name} {labels}")
                later.append((name, place))
        options = {
            "--keep-last": [1, 2, 3],
            "--keep-days": [1, 3, 10],
            "--keep-daily": [1, 3],
            "--keep-weekly": [1, 2],
            "--keep-monthly": [1, 2],
            "--keep-label": ["k", "k=v"],
            "--shrunken-below": [0, 50],
        }
        rules = [x for o, values in options.items() if rng.random() < 0.4 for x in (o, rng.choice(values))]
        self.say(" ".join(map(str, rules)))
        later = sorted(later)[rng.randrange(1, len(later) + 1) :]
        for name, place in later:
            (self.dir / "hidden" / place).mkdir(parents=True, exist_ok=True)
            os.rename(self.a / REGION / place / name, self.dir / "hidden" / place / name)
        deleted, last = set(), int(rules[1]) if rules[:1] == ["--keep-last"] else 1
        for _ in range(rng.randrange(1, 4)):
            known = self.whole(self.a) | self.whole(self.b)
            sent, there = self.sent(rules), self.whole(self.b)
            self.retention(self.b, rules)
            gone = there - self.whole(self.b)
            deleted |= gone
            if sent & deleted:
                self.fail(f"sent what the same rules delete: {sent & deleted}")
            if again := self.sent(rules):
                self.fail(f"copy, retention, copy: sent {again}")
            for place in {p for p, _ in known}:
                good = sorted(n for p, n in known if p == place)
                have = [n for p, n in self.whole(self.b) if p == place]
                if len(have) < min(last, len(good)) or good[-1] not in have:
                    self.fail(f"{place}: {have} at the target, of {good}")
            if rng.random() < 0.4:
                self.retention(self.a, rules)
            for name, place in later[:2]:
                (self.a / REGION / place).mkdir(parents=True, exist_ok=True)
                os.rename(self.dir / "hidden" / place / name, self.a / REGION / place / name)
            later = later[2:]
        shutil.rmtree(self.dir)

    def whole(self, root):
        return {k for k, v in sets_of(root).items() if is_whole(v, *k)}

    def sent(self, rules):
        _, result = self.finish(self.start(self.copy(self.a, self.b, *rules)), "copy")
        return {key_of(s) for d in result["deployments"] for s in d["sets"] if s["outcome"] == "copied"}

    def retention(self, root, rules):
        self.finish(
            self.start(self.argv("retention", "--root", root, "--deployment", REGION, "--json", *rules)), "retention"
        )


def main():
    program, seeds = Path(sys.argv[1]).absolute(), int(sys.argv[2])
    first, bad = int(sys.argv[3]) if len(sys.argv) > 3 else 0, 0
    for seed in range(first, first + seeds):
        try:
            (Rules if seed % 4 == 3 else Runs)(program, seed).run()
            if (seed - first) % 20 == 19:
                print(f"{seed - first + 1} worlds", file=sys.stderr, flush=True)
        except AssertionError as e:
            bad += 1
            print(e, flush=True)
    print(f"{seeds} worlds, {bad} bad")
    sys.exit(bad > 0)


if __name__ == "__main__":
    main()
