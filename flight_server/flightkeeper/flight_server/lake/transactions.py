"""COMMITs of callers' transactions that changed the lake: in the ledger, like other changes.

Theory. Nobody can repeat a transaction but its caller; but everybody can tell what became of its
COMMIT, because that carries an id into the ledger as well. So a caller that lost the answer asks
another node, under the same id. What is not there is settled before it is said to be undone: the
node that was sent the COMMIT may only sleep.
"""

from typing import TypeVar, cast

from flightkeeper.flight_server.call import Call
from flightkeeper.flight_server.change import Change
from flightkeeper.flight_server.engine import lake_ledger
from flightkeeper.flight_server.engine.connection import Connection
from flightkeeper.flight_server.engine.statement import Control, Statement
from flightkeeper.flight_server.errors import EngineFailed, InvalidArgument, NodeError
from flightkeeper.flight_server.lake.commits import Author, Check, look_up, settled
from flightkeeper.flight_server.lake.groups import Member
from flightkeeper.flight_server.lake.ledger import NOT_APPLIED, Entry
from flightkeeper.flight_server.lake.writes import named
from flightkeeper.flightsql.headers import Reason

_T = TypeVar("_T")
_OF_TEXT = 0
"""The number of the one COMMIT of a text; those of others are counted with the changes."""
_UNDONE = "the transaction was rolled back, nothing of it was written: begin it again"
_OF_ANOTHER = (
    "this statement id was another statement's; nothing of the transaction was written now: give "
    "each statement an id of its own"
)


class LakeTransactions:
    """The owner of COMMITs, as `cluster.commands` knows owners. Thread-safe."""

    tells = True

    def __init__(self, author: Author) -> None:
        self._author = author

    def owns(self, connection: Connection, statement: Statement) -> bool:
        """Whether it is the COMMIT of a transaction that changed the lake, or of a lost one."""
        of_lake = connection.writes_lake or not connection.in_transaction
        return statement.control is Control.COMMIT and of_lake

    def change(self, call: Call, connection: Connection, change: Change[_T]) -> _T:
        """Commit the open transaction, or tell what became of one that another node was to commit.

        A text that is a whole transaction is run, unless it was committed before.

        Raises:
            NodeError: it is not committed, and says whether it may be.
        """
        member = named(call, change, _OF_TEXT if change.whole else call.next_change())
        with connection.alone(), connection.waiting() as check:
            if connection.in_transaction:
                self._commit(connection, member, check)
            elif change.whole:
                if not call.may_be_known or not _known(connection, member):
                    return change.run(connection)
            elif call.sent_before and not _committed(connection, member, check):
                raise EngineFailed(_UNDONE, reason=Reason.UNDONE)
        # That is how many rows a COMMIT changes.
        return cast("_T", 0)

    def _commit(self, connection: Connection, member: Member, check: Check) -> None:
        entry = Entry(member.key, member.text, 0)
        try:
            connection.commit(lambda: lake_ledger.carry(connection, self._author(), [entry]))
        except NodeError as exc:
            if exc.reason is Reason.CONFLICT and look_up(connection, member.key):
                # It was not overtaken: the ledger has its id.
                raise InvalidArgument(_OF_ANOTHER) from exc
            if not exc.in_doubt:
                raise
            if not _committed(connection, member, check):
                raise EngineFailed(f"{_UNDONE}. {exc.__cause__}", reason=Reason.UNDONE) from exc


def _committed(connection: Connection, member: Member, check: Check) -> bool:
    """Whether a COMMIT was done; if not, it never will be.

    Raises:
        Unavailable: nobody can say.
        InvalidArgument: the id is another statement's.
    """
    return _is_its(settled(connection, member.key, check), member)


def _known(connection: Connection, member: Member) -> bool:
    """Whether a transaction was committed; if not, it may be yet.

    Raises:
        Unavailable: nobody can say.
        InvalidArgument: the id is another statement's.
    """
    return _is_its(look_up(connection, member.key), member)


def _is_its(entry: Entry | None, member: Member) -> bool:
    if entry is None or entry.rows == NOT_APPLIED:
        return False
    if entry.text != member.text:
        raise InvalidArgument(_OF_ANOTHER)
    return True
