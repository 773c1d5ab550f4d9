"""Fixtures of the client's tests."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.stub_process import StubProcess


@pytest.fixture
def start_node(tmp_path: Path) -> Iterator[Callable[..., StubProcess]]:
    """Starts stub nodes, and ends them with the test."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(StubProcess(tmp_path, **options))


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StubProcess]:
    """One node for the tests that do not hurt it."""
    with StubProcess(tmp_path_factory.mktemp("stub")) as process:
        yield process
