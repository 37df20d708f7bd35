"""Values of copies on another share."""

from __future__ import annotations

from azs_backup._native import Place, SetName, SharePath
from azs_backup._sets import UnreadableFolder, deployment_of
from azs_backup._value import Value, absent, several

TYPE_CHECKING = False
if TYPE_CHECKING:
    from azs_backup.literals import CopyOutcome, ErrorCode


class Amount(Value):
    """A number of stored files and their bytes."""

    __slots__ = ()
    files: int
    bytes: int


class CopiedSet(Value):
    """What became of one set. `folder` is its folder at the other share.

    `sent`, `linked`: what went from share to share for a set that was copied, and what the other share linked or copied
    itself. `bytes`: those stored in a set that a dry run found missing. `reason`: what a set that was skipped is instead,
    or what differs in a conflict. `code`, `message`: those of a failure.
    """

    __slots__ = ()
    _shapes = {
        "place": lambda data: Place(deployment_of(data["deployment"]), data["component"], data.get("scale_unit")),
        "name": SetName,
        "folder": SharePath,
        "sent": Amount._of,
        "linked": Amount._of,
    }
    place: Place
    name: SetName
    folder: SharePath
    outcome: CopyOutcome
    sent: Amount | None = absent(default=None)
    linked: Amount | None = absent(default=None)
    bytes: int | None = absent(default=None)
    reason: str | None = absent(default=None)
    code: ErrorCode | None = absent(default=None)
    message: str | None = absent(default=None)


class CopyReport(Value):
    """What became of the sets that were to be copied, the newest of each place first.

    `unreadable` names the folders of the first share that cannot be listed; their sets are missing here.
    """

    __slots__ = ()
    _shapes = {"sets": several(CopiedSet._of), "unreadable": several(UnreadableFolder._of)}
    sets: tuple[CopiedSet, ...]
    unreadable: tuple[UnreadableFolder, ...]

    @property
    def copied(self) -> int:
        """How many sets were copied."""
        return sum(one.outcome == "copied" for one in self.sets)

    @property
    def sent(self) -> Amount:
        """What went from share to share."""
        amounts = [one.sent for one in self.sets if one.sent is not None]
        return Amount(files=sum(sent.files for sent in amounts), bytes=sum(sent.bytes for sent in amounts))

    @property
    def needs_attention(self) -> bool:
        """Whether an operator should look into something: a set that is no backup, or that could not be copied, or a
        folder that cannot be read.
        """
        bad = ("skipped", "conflict", "failed")
        return bool(self.unreadable) or any(one.outcome in bad for one in self.sets)
