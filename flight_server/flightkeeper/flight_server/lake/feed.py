"""The parts of a range of versions that DuckLake tells the changes of a table of rightly. Pure.

Theory. DuckLake 1.0 tells of changes by the files that came and went. Of files that were written
anew it tells each row as changed, and leaves out those that were deleted from them before. From
one such version to the next it tells all that happened, and nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from flightkeeper.flight_server.lake.told import REWRITES, SAME_ROWS, kinds

Part = tuple[int, int]
"""Two versions, and what lies between them."""


def parts(versions: Iterable[int], told: Mapping[int, str], table: int) -> Sequence[Part]:
    """What is asked in the place of a range of versions.

    Args:
        versions: those of the range that are kept, in order.
        told: what versions say that they changed; at least those that wrote files anew.
        table: its number.

    Returns: nothing of the versions that only wrote files of the table anew. One that changed it as
        well is a part of its own, in which rows are told that nobody changed.
    """
    found, number = list[tuple[int, int]](), 0
    for version in versions:
        what = kinds(told.get(version, ""), table) or frozenset()
        number += REWRITES in what
        if not what or what - SAME_ROWS:
            found.append((number, version))
        number += REWRITES in what
    groups = [[version for _, version in group] for _, group in groupby(found, lambda one: one[0])]
    return [(group[0], group[-1]) for group in groups]
