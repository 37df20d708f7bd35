"""What the package costs over Rust, and how long it takes to import.

    cargo bench --package azs-backup-benches --bench overhead > rust.json    # in the repository's folder
    maturin develop --release                   # in bindings/python
    python benches/overhead.py rust.json

Prints nanoseconds of the best round of each, and the ratio to Rust where its figures are given. With AZS_BENCH_TREE a
backup of that folder is one of them.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import azs_backup as azs

VECTORS = Path(__file__).parents[3] / "tests" / "vectors" / "envelope"
TEXT = "mount error(113): No route to host"
PATH = r"\\fileserver01.contoso.com\AzSBackups\contoso.com\nyc"


def best(call: Callable[[], object], times: int) -> float:
    """Returns the nanoseconds of a call in the best round."""
    found = []
    for _ in range(7 if times == 1 else 15):
        begun = time.perf_counter_ns()
        for _ in range(times):
            call()
        found.append((time.perf_counter_ns() - begun) / times)
    return min(found)


def back_up(tree: str, certificate: azs.EncryptionCertificate) -> None:
    """Backs a folder up to a share that is deleted afterwards."""
    with tempfile.TemporaryDirectory() as root, azs.FolderShare.open(root, durability="cached") as share:
        with azs.Backup(share, "contoso.com/nyc/HLH", certificates=certificate) as backup:
            backup.add_folder(tree)


def main() -> None:
    certificate = azs.EncryptionCertificate.load(VECTORS / "rsa2048.cer")
    sealer = azs.Sealer(certificate)
    opener = azs.Opener(azs.DecryptionCertificate.load(VECTORS / "rsa2048.pfx", "correct horse"))
    small, large = bytes(1024), bytes(64 << 20)
    small_message, large_message = sealer.seal(small), sealer.seal(large)
    opener.open(small_message)
    found = {
        "classify_ntstatus": best(lambda: azs.classify_ntstatus(0xC000006D), 20_000),
        "classify_text": best(lambda: azs.classify_text(TEXT), 10_000),
        "parse_unc_path": best(lambda: azs.UncPath(PATH), 20_000),
        "seal_1_kib": best(lambda: sealer.seal(small), 5_000),
        "open_1_kib": best(lambda: opener.open(small_message), 5_000),
        "seal_64_mib": best(lambda: sealer.seal(large), 1),
        "open_64_mib": best(lambda: opener.open(large_message), 1),
    }
    if tree := os.environ.get("AZS_BENCH_TREE"):
        found["backup_tree"] = best(lambda: back_up(tree, certificate), 1)
    script = "import time; b = time.perf_counter_ns(); import azs_backup; print(time.perf_counter_ns() - b)"
    runs = [subprocess.run([sys.executable, "-c", script], capture_output=True, check=True) for _ in range(15)]
    found["import"] = sorted(int(run.stdout) for run in runs)[len(runs) // 2]
    rust = json.loads(Path(sys.argv[1]).read_text()) if len(sys.argv) > 1 else {}
    print("| call | Rust ns | Python ns | ratio |\n| --- | --- | --- | --- |")
    for name, taken in found.items():
        base = rust.get(name)
        print(f"| {name} | {base or 0:,.0f} | {taken:,.0f} | {f'{taken / base:.2f}' if base else ''} |")


if __name__ == "__main__":
    main()
