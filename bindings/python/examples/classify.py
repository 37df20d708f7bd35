"""Classify what went wrong: an NTSTATUS (0x…), a Win32 code, alert JSON, or whatever a tool printed.

    mount -t cifs //fs.contoso.com/AzSBackups /mnt 2>&1 | python classify.py
    python classify.py 0xC000006D
"""

import sys

import azs_backup as azs


def classify(text: str) -> azs.Classification:
    if text.startswith("0x"):
        return azs.classify_ntstatus(int(text, 16))
    if text.isdigit():
        return azs.classify_win32(int(text))
    if text.lstrip().startswith(("{", "[{")):
        return azs.classify_json(text)
    return azs.classify_text(text)


def main() -> None:
    found = classify(" ".join(sys.argv[1:]) or sys.stdin.read())
    print(f"{found.kind} ({found.documented_kind}), confidence {found.confidence}")
    for evidence in found.evidence:
        print(f"  {evidence.form} {evidence.name}: {evidence.meaning}")
    for number, step in enumerate(found.remedy(share=r"\\fs.contoso.com\AzSBackups"), 1):
        print(f"{number}. {step}")


if __name__ == "__main__":
    main()
