"""A lock around a critical section: several processes count in one file, none loses a number.

    python -m examples.distributed_lock zk://127.0.0.1:2181/flightkeeper /shared/counter

What is guarded keeps the token of who wrote last and refuses a smaller one: no lock with a time-out
protects by itself, because its holder may be frozen while the time runs out.
"""

import sys
from pathlib import Path

from flightkeeper.client import Cluster, open_cluster


class Counter:
    """A number in a file, with the token of the hold under which it was written."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def read(self) -> tuple[int, int]:
        """The number, and the token."""
        if not self._place.exists():
            return 0, 0
        number, token = self._place.read_text().split()
        return int(number), int(token)

    def write(self, number: int, token: int) -> None:
        """Replace the number, unless a later holder has been here."""
        if token < self.read()[1]:
            raise RuntimeError(f"token {token} is from before; nothing was written")
        # As a whole, because it is read without the lock as well.
        written = self._place.with_name(f"{self._place.name}.{token}")
        written.write_text(f"{number} {token}")
        written.replace(self._place)


def count_up(cluster: Cluster, counter: Counter, times: int) -> None:
    """Add one, so many times."""
    for _ in range(times):
        with cluster.lock("counter", timeout_s=60) as hold:
            number, _token = counter.read()
            hold.check()
            counter.write(number + 1, hold.token)


def main(url: str, place: str, times: int = 20) -> None:
    """Count, and say how far."""
    counter = Counter(Path(place))
    with open_cluster(url) as cluster:
        count_up(cluster, counter, times)
    print("counted to {} under token {}".format(*counter.read()))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
