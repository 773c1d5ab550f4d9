"""Rendezvous hashing: who belongs to whom, worked out by everybody alike and agreed with nobody.

Every pair of a key and a node has a number that looks random and never changes; a key belongs to
the node with the best number. A node that leaves takes only its own keys along, one that joins
takes only those it wins, and all clients come to the same answer without talking.

Pure. Names are hashed once and remembered; a pair costs a multiplication.
Spec: Thaler and Ravishankar 1998; with weights, the logarithm after Schindelhauer and Schomaker.
"""

from functools import lru_cache
from hashlib import blake2b
from math import log

_NAMES_MAX = 16_384
"""How many hashes of names are remembered."""

_MASK = (1 << 64) - 1
_SPAN = float(1 << 64)
# Spec: the finalizer of SplitMix64 (Steele, Lea, Flood 2014).
_FIRST = 0xBF58476D1CE4E5B9
_SECOND = 0x94D049BB133111EB


@lru_cache(maxsize=_NAMES_MAX)
def mark(name: str) -> int:
    """The 64 bits that stand for a name, the same in every process."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest())


def distance(one: int, other: int, weight: float = 1.0) -> float:
    """How far two marks are apart: the smallest wins, and weight 2 wins twice as often."""
    mixed = one ^ other
    mixed = (mixed ^ (mixed >> 30)) * _FIRST & _MASK
    mixed = (mixed ^ (mixed >> 27)) * _SECOND & _MASK
    mixed ^= mixed >> 31
    return -log((mixed + 1) / _SPAN) / weight
