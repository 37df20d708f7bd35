"""Fetch the configurations of all switches and back them up.

    python switches.py --share /mnt/AzSBackups --cer backup.cer tor1 tor2 bmc
"""

import argparse

import azs_backup as azs


def fetch(switch: str) -> bytes:
    """Returns the running-config of a switch. Replace this with your own: ssh, a REST call, a file that the switch
    pushed.
    """
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
        azs.Backup(
            share, given.place, certificates=certificate, labels={"vendor": "Contoso"}, source_problems="report"
        ) as backup,
    ):
        for switch in given.switches:
            name = f"{switch}/running-config"
            try:
                config = fetch(switch)
            except OSError as error:
                # A switch that does not answer is named, and makes the set partial.
                backup.add_problem(name, error)
            else:
                backup.add_bytes(name, config)
    report = backup.report
    assert report is not None
    print(report.status, report.folder, f"{report.content.files} files")


if __name__ == "__main__":
    main()
