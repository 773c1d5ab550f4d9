"""Who loses more calls than the others; scenarios/router/outliers.json has the stories."""

from flightkeeper.client.outliers import Count, Window, found


def counts(**nodes: tuple[int, int]) -> dict[tuple[str, str], Count]:
    return {(node_id, "1"): Count(*count) for node_id, count in nodes.items()}


def test_a_window_counts_by_life_and_starts_again() -> None:
    window = Window()
    window.note("a", "1", lost=True)
    window.note("a", "1", lost=False)
    window.note("a", "2", lost=False)
    assert window.take() == {("a", "1"): Count(2, 1), ("a", "2"): Count(1, 0)}
    assert window.take() == {}


def test_who_loses_a_fifth_of_enough_calls_is_found() -> None:
    assert found(counts(a=(50, 10), b=(50, 0)), (), 2) == (("a", "1"),)
    assert found(counts(a=(50, 9), b=(50, 0)), (), 2) == ()
    assert found(counts(a=(49, 49), b=(50, 0)), (), 2) == ()


def test_without_others_there_is_nothing_to_compare_with() -> None:
    assert found(counts(a=(500, 400)), (), 1) == ()


def test_it_has_to_be_twice_as_bad_as_the_rest() -> None:
    assert found(counts(a=(100, 40), b=(100, 20), c=(100, 20)), (), 3) == ()
    assert found(counts(a=(100, 41), b=(100, 20), c=(100, 20)), (), 3) == (("a", "1"),)


def test_one_at_a_time_and_a_tenth_of_many() -> None:
    bad = {f"n{number:02}": (100, 90 - number) for number in range(5)}
    good = {f"g{number:02}": (1000, 0) for number in range(35)}
    many = counts(**bad, **good)
    assert found(many, (), 40) == (("n00", "1"), ("n01", "1"), ("n02", "1"), ("n03", "1"))
    assert found(many, {"n00", "n01"}, 40) == (("n02", "1"), ("n03", "1"))
    assert found(many, {"x1", "x2", "x3", "x4"}, 40) == ()
    assert found(many, (), 5) == (("n00", "1"),)
