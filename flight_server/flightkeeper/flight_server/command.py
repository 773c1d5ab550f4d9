"""A statement that is not the engine's but the cluster's, such as `DROP REFERENCE TABLE`.

Knows nothing of what commands there are: who serves one defines its class, says how its text is
read (`sql/cluster_statements`) and who runs it (`cluster/commands`).
"""

from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Command:
    """What a text asks of the cluster.

    Attributes:
        schema: of its answer; None = it answers with no rows.
        read_only: it surely changes nothing, and may be run twice.
        stateful: it changes the caller's session.
        urgent: it is let in also when the node is full.
        public: callers without the superuser role may ask it.
    """

    schema: ClassVar[pa.Schema | None] = None
    read_only: ClassVar[bool] = False
    stateful: ClassVar[bool] = False
    urgent: ClassVar[bool] = False
    public: ClassVar[bool] = False
