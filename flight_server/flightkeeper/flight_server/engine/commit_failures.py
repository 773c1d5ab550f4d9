"""What a COMMIT that failed means: undone, overtaken by others, or perhaps not failed at all. Pure.

A lake commits in its catalog's server. When the connection to that ends after the COMMIT was sent,
only the server knows; every other failure came before it. Whatever it was, DuckLake then deletes
the files it has written, and if it may not, tells only that.
"""

import re

from flightkeeper.flight_server.engine.deletions import UNDELETED
from flightkeeper.flight_server.errors import EngineFailed, NodeError
from flightkeeper.flightsql.headers import Reason

TAKEN = re.compile(
    r"Transaction conflict|database is locked|has been created by another|duplicate key|"
    r"UNIQUE constraint|Exceeded the maximum retry count|write-write conflict",
    re.IGNORECASE,
)
"""How errors read when another commit was faster."""
_OF_LAKE = "Failed to commit DuckLake transaction"
_SENT = 'Failed to execute query "COMMIT"'
_ANSWERED = "ERROR:"
"""How the server begins when it says no."""


def explained(error: NodeError) -> EngineFailed:
    """The error of a COMMIT that failed with this one, after which nothing is left to undo."""
    told = str(error)
    if (_SENT in told and _ANSWERED not in told) or UNDELETED.search(told):
        return EngineFailed(
            "it is not known what the lake's catalog made of the COMMIT: the transaction was "
            f"committed as a whole or not at all; look before you begin it again. {told}",
            reason=Reason.UNTOLD,
            in_doubt=True,
        )
    undone = f"the transaction was rolled back, nothing of it was written: {told}"
    if _OF_LAKE in told and TAKEN.search(told):
        return EngineFailed(f"{undone}; begin it again", reason=Reason.CONFLICT)
    return EngineFailed(undone)
