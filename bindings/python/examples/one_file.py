"""Restore one file from the newest complete set, on the day you need it. The password is in AZS_PFX_PASSWORD.

    python one_file.py --share /mnt/AzSBackups --pfx backup.pfx tor1/running-config > running-config
"""

import argparse
import os
import sys

import azs_backup as azs


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", required=True)
    parser.add_argument("--pfx", required=True)
    parser.add_argument("--place", default="contoso.com/nyc/Switches")
    parser.add_argument("file")
    given = parser.parse_args()

    place = azs.Place.parse(given.place)
    opener = azs.Opener(azs.DecryptionCertificate.load(given.pfx, os.environ.get("AZS_PFX_PASSWORD")))
    with azs.FolderShare.open(given.share) as share:
        for summary in reversed(azs.list_sets(share, place.deployment, place.component).complete()):
            try:
                azs.BackupSet.open(share, summary.folder).restore_stream(opener, given.file, sys.stdout.buffer)
            except (azs.DamagedError, azs.NotFoundError) as error:
                print(f"{summary.name}: {error.code}: {error}", file=sys.stderr)
            else:
                print(f"{given.file} as of {summary.name.created}", file=sys.stderr)
                return 0
    print(f"no set has {given.file}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
