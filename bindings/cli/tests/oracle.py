#!/usr/bin/env python3
"""Runs azs-backup at random, and compares what it does with a model of what the share must hold.

    python3 oracle.py [--program azs-backup] [--seed N] [--steps N] [--worlds N] [--keep] [--lenient]

Each step changes the sources, runs a command (perhaps two at once, perhaps ended by a signal, perhaps with a stdout that
is full or closed), and then asks for what always holds: a documented exit code, one line of error with its code, no
panic, no secret in what was printed, one JSON document with --json, nothing left in the temporary folder, and every set
that is complete in the model listed, whole, and restored as the sources were. The same seed does the same steps, except
for when a signal arrives. It needs nothing but Python and a Unix; as an ordinary user, too.
"""

import argparse
import os
import shutil
import sys
import traceback

from oracle_harm import Harm
from oracle_world import KNOWN, Wrong


class Oracle(Harm):
    def steps(self, count):
        weighted = [(self.do_backup, 10), (self.do_dry_run, 4), (self.do_stdin, 2), (self.do_signal, 10), (self.do_two, 4), (self.do_churn, 3),
                    (self.do_list, 4), (self.do_verify, 5), (self.do_restore, 8), (self.do_cat, 4), (self.do_diff, 4), (self.do_show, 3),
                    (self.do_retention, 3), (self.do_damage, 8), (self.do_state, 6), (self.do_streams, 5), (self.do_arguments, 12),
                    (self.do_nightly, 6)]
        for self.step in range(count):
            self.change()
            act = self.random.choices([a for a, _ in weighted], [w for _, w in weighted])[0]
            try:
                act()
            except Wrong as wrong:
                wrong.args = ("step %d, %s: %s" % (self.step, act.__name__, wrong.args[0]),)
                raise
        missing = [n for n in self.sets if not self.complete(n)]
        if missing:
            raise Wrong("lost: %s" % missing)
        for name in sorted(self.sets):
            self.do_verify(name)
            self.do_restore(name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default="azs-backup")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--worlds", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep the folder of a world that went wrong")
    parser.add_argument("--lenient", action="store_true", help="count what is known to be wrong, and go on")
    arguments = parser.parse_args()
    program = os.path.abspath(shutil.which(arguments.program) or arguments.program)
    wrong = 0
    for seed in range(arguments.seed, arguments.seed + arguments.worlds):
        world = None
        try:
            world = Oracle(program, seed, arguments.lenient)
            world.steps(arguments.steps)
            print("seed %d: %d steps, %d sets, all as the model says" % (seed, arguments.steps, len(world.sets)), flush=True)
        except Exception as error:  # with its seed, whatever it is
            wrong += 1
            print("seed %d: %s: %s" % (seed, type(error).__name__, error), flush=True)
            if not isinstance(error, Wrong):
                traceback.print_exc()
            if arguments.keep and world:
                print("kept: %s" % world.at, flush=True)
                continue
        if world:
            shutil.rmtree(world.at, ignore_errors=True)
    for what, count in sorted(KNOWN.items()):
        print("known, %d times: %s" % (count, what))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
