"""Fetch the configurations of all switches and back them up.

    python switches.py --share /mnt/AzSBackups --cer backup.cer tor1 tor2 bmc
"""

import argparse

import azs_backup as azs


def fetch(switch: str) -> bytes:
    """The running-config of a switch. Replace this by your own: ssh, a REST call, a file that the switch pushed."""
    return f"hostname {switch}\n".encode()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", required=True)
    parser.add_argument("--cer", required=True)
    parser.add_argument("--place", default="contoso.com/nyc/Switches")
    parser.add_argument("switches", nargs="+")
    given = parser.parse_args()

    certificate = azs.EncryptionCertificate.load(given.cer)
    with (
        azs.FolderShare.open(given.share) as share,
        azs.Backup(share, given.place, certificates=certificate, labels={"vendor": "Contoso"}) as backup,
    ):
        for switch in given.switches:
            backup.add_bytes(f"{switch}/running-config", fetch(switch))
    report = backup.report
    assert report is not None
    print(report.status, report.folder, f"{report.content.files} files")


if __name__ == "__main__":
    main()
