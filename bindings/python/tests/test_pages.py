"""Pages of the book that are made from what the library says.

`UPDATE_PAGES=1 pytest tests/test_pages.py` writes them anew.
"""

from __future__ import annotations

import os
import re
import runpy
from collections.abc import Callable

import azs_backup as azs
import pytest
from conftest import REPOSITORY

DOCS = REPOSITORY / "docs"
MARK = "<!-- The rest is generated: "
SHARE = "the share"

MESSAGES = (
    "mount error(13): Permission denied",
    "STATUS_LOGON_FAILURE",
    "STATUS_ACCOUNT_LOCKED_OUT",
    "STATUS_NTLM_BLOCKED",
    "mount error(113): No route to host",
    "Connection timed out",
    "Name or service not known",
    "System error 53 has occurred.",
    "System error 67 has occurred.",
    "NT_STATUS_BAD_NETWORK_NAME",
    "No space left on device",
    "ERROR_DISK_QUOTA_EXCEEDED",
)
"""What operators see; the page says which alert each is."""

RETRY = {
    "AFTER_FIX": "when somebody has done what is below",
    "LATER": "after some minutes",
    "LOCK_OUT": "not by itself, for another attempt could lock the account out",
    "UNKNOWN": "once, after a minute",
}


def conditions() -> dict[str, str]:
    """What each error code means, in the table that all languages share."""
    table = (REPOSITORY / "bindings" / "README.md").read_text(encoding="utf-8")
    rows = (line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| `"))
    return {row[1].strip("`"): row[3] for row in rows if len(row) == 4 and row[2].isdigit()}


def alert(kind: azs.AlertKind) -> str:
    known = azs.classify_kind(kind)
    happened = known.describe(share=SHARE).split(" Evidence: ")[0]
    lines = [f"### {kind}", "", f"*{kind.alert_title}*", "", happened[0].upper() + happened[1:]]
    lines += ["", f"When to try again: {RETRY[known.retry.when]}."]
    lines.append("")
    lines += [f"{number}. {step}" for number, step in enumerate(known.remedy(share=SHARE), 1)]
    return "\n".join(lines)


def link(kind: azs.AlertKind) -> str:
    return f"[{kind}](#{kind.lower()})"


def alerts() -> str:
    parts = ["## By message", "", "| Message | Alert |", "| --- | --- |"]
    parts += [f"| `{message}` | {link(azs.classify_text(message).kind)} |" for message in MESSAGES]
    parts += ["", "## By code", "", "| Code | Condition | Alert |", "| --- | --- | --- |"]
    classes: dict[str, type[azs.BackupError]] = {error.code: error for error in azs.BackupError.__subclasses__()}
    said = conditions()
    assert classes.keys() == set(azs.ErrorKind) == said.keys()
    for code in azs.ErrorKind:
        parts.append(f"| `{code}` | {said[code]} | {link(azs.classify_error(classes[code]('')).kind)} |")
    parts += ["", "## The alerts"]
    for kind in azs.AlertKind:
        parts += ["", alert(kind)]
    return "\n".join(parts)


def rules() -> str:
    parts = ["## The rules", "", "| Rule | | Finding | What to do |", "| --- | --- | --- | --- |"]
    for rule in azs.RULES:
        title, remedy = (re.sub(r"[\\<>|]", r"\\\g<0>", text) for text in (rule.title, rule.remedy))
        parts.append(f"| `{rule.rule}` | {rule.severity} | {title} | {remedy} |")
    return "\n".join(parts)


@pytest.mark.parametrize(("name", "generated"), [("troubleshooting", alerts), ("review", rules)])
def test_the_page_says_what_the_library_says(name: str, generated: Callable[[], str]) -> None:
    page = DOCS / f"{name}.md"
    head, mark, rest = page.read_text(encoding="utf-8").partition(MARK)
    line, _, written = rest.partition("\n")
    assert mark, f"{page} has no place for what is generated"
    if os.environ.get("UPDATE_PAGES"):
        page.write_text(f"{head}{mark}{line}\n\n{generated()}\n", encoding="utf-8")
        return
    assert written.strip() == generated(), "UPDATE_PAGES=1 pytest tests/test_pages.py writes it anew"


@pytest.mark.parametrize("message", MESSAGES)
def test_each_message_of_the_page_has_an_alert_of_its_own(message: str) -> None:
    assert azs.classify_text(message).kind is not azs.AlertKind.GENERAL


def test_a_webhook_is_ours_if_it_was_signed_with_the_secret() -> None:
    verify = runpy.run_path(str(REPOSITORY / "examples" / "webhook" / "verify.py"))["is_ours"]
    # RFC 4231, section 4.3.
    body, secret = b"what do ya want for nothing?", b"Jefe"
    header = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert verify(body, header, secret) and verify(body, header, secret + b"\n")
    assert not verify(body + b" ", header, secret) and not verify(body, header, b"jefe")
