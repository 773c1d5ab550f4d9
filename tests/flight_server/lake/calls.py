"""What a call says of its statement, without a call."""

from dataclasses import dataclass


@dataclass
class FakeCall:
    """A caller's statement: its id, and whether another node may have run it before."""

    statement_id: str = ""
    sent_before: bool | None = None
    owner: str = "ada"
    changes: int = 0

    @property
    def may_be_known(self) -> bool:
        return bool(self.statement_id) and self.sent_before is not False

    def next_change(self) -> int:
        self.changes += 1
        return self.changes
