"""Batches that wait in memory and in a file."""

import pyarrow as pa
import pytest

from flightkeeper.client.spool import Spool

BATCHES = [pa.record_batch({"n": [number] * 100}) for number in range(6)]
SIZE = pa.ipc.get_record_batch_size(BATCHES[0])


@pytest.mark.parametrize("memory_bytes", [0, 2 * SIZE, 100 * SIZE])
def test_what_goes_in_comes_out_in_order(memory_bytes: int) -> None:
    spool = Spool(memory_bytes)
    for batch in BATCHES:
        spool.append(batch)
    assert len(spool) == 6
    assert len(spool.peek()) == min(6, memory_bytes // SIZE)
    assert [spool.popleft().column(0)[0].as_py() for _ in BATCHES] == list(range(6))
    assert len(spool) == 0
    with pytest.raises(IndexError):
        spool.popleft()


def test_closing_lets_go_of_the_file() -> None:
    spool = Spool(0)
    spool.append(BATCHES[0])
    file = spool._file
    spool.close()
    spool.close()
    assert file.closed
    assert len(spool) == 0
