"""Whether a statement names the column that says in which file of a lake a row is.

Tables of a lake have that column besides those that `*` shows. Where they are told in is a path of
the nodes' machines, or of the store.
"""

from sqlglot import exp

from flightkeeper.discovery.principals.model import folded
from flightkeeper.flight_server.engine.lake_partitions import FILE

_NAMES_OTHERS = (exp.Alias, exp.CTE, exp.ColumnDef, exp.Schema, exp.Table, exp.TableAlias)
"""A name in one of them is that of something else, or of what is made."""
_TELLS_NOTHING = ("hash", "parse_filename")
"""What parts of a read are told apart by; of the path nothing is left in it."""


def names_files(tree: exp.Expr) -> bool:
    """Whether a part of a statement may be the column."""
    return any(
        folded(name.name) == FILE
        and not isinstance(name.parent, _NAMES_OTHERS)
        and not _tells_nothing(name.parent)
        for name in tree.find_all(exp.Identifier)
    )


def _tells_nothing(node: exp.Expr | None) -> bool:
    for name in reversed(_TELLS_NOTHING):
        node = node.parent if node else None
        if not isinstance(node, exp.Anonymous) or len(node.expressions) != 1:
            return False
        if folded(node.name) != name:
            return False
    return True
