"""The program `azs-backup`: `python -m azs_backup --help`."""

from __future__ import annotations

import signal
import sys

from azs_backup._native import run_program


def main() -> None:
    """Run the program with the arguments of this process, and exit with its code."""
    # The program handles Ctrl-C itself; Python would raise KeyboardInterrupt besides.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(run_program(sys.argv[1:]))


if __name__ == "__main__":
    main()
