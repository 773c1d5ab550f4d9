"""What it means that files of a lake were to be deleted and were not.

Theory. DuckLake deletes files when it cleans up, and when a COMMIT failed. Of each file it tells in
the store's words why it stayed. That the key or the account may not delete holds until somebody
changes it; anything else, as a store that is busy, may be over in a moment.
"""

import re

from flightkeeper.flight_server.errors import EngineFailed, NodeError

UNDELETED = re.compile(r"Could not remove file|Failed to remove files")
"""How errors read when a file, or several, could not be deleted. That of a COMMIT tells this in the
place of the reason."""
_REFUSED = re.compile(
    r"AccessDenied|HTTP 403|Permission denied|Operation not permitted|Read-only file system"
)
"""How the reason reads when nobody who asks so may delete it: of stores, and of file systems."""


class DeletionRefused(EngineFailed):
    """Files may not be deleted from here. Only the upkeep is told so, and no client."""


def is_refused(error: NodeError) -> bool:
    """Whether files stayed because they may not be deleted from here."""
    told = str(error)
    return UNDELETED.search(told) is not None and _REFUSED.search(told) is not None
