"""How evenly many routers load nodes of which one is slow; benchmarks/balance.py has the model."""

from statistics import median

import pytest

from benchmarks.balance import percentiles

SEEDS = (1, 2, 3)
STATEMENTS = 10_000
OF_PERFECT_MAX = 1.3


@pytest.mark.parametrize("keys", [0, 200], ids=["no affinity", "affinity"])
def test_forty_routers_come_close_to_one_that_knows_all(keys: int) -> None:
    ratios = []
    for seed in SEEDS:
        _, _, seen = percentiles("router", seed, statements=STATEMENTS, keys=keys)
        _, _, best = percentiles("perfect", seed, statements=STATEMENTS)
        ratios.append(seen / best)
    assert median(ratios) <= OF_PERFECT_MAX, ratios


def test_what_nodes_report_is_what_it_takes() -> None:
    _, _, alone = percentiles("own", 1, statements=STATEMENTS)
    _, _, seen = percentiles("router", 1, statements=STATEMENTS)
    assert alone > 2.0 * seen
