"""Style as a test: what a reader may rely on in every file of this repository."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = [
    *sorted((ROOT / "discovery/flightkeeper").glob("[a-z]*")),
    *sorted((ROOT / "flight_server/flightkeeper").glob("[a-z]*")),
    *sorted((ROOT / "client/flightkeeper").glob("[a-z]*")),
]
CODE = ["discovery", "flight_server", "client", "tests", "tools", "examples", "benchmarks"]
TEXT = [*CODE, "deploy", "docs", ".ci"]
TEXT_SUFFIXES = {".py", ".md", ".toml", ".yaml", ".yml", ".json", ".sh", ".proto", ".service"}
TEXT_NAMES = {"Makefile", "Dockerfile", "run", ".gitignore", "constraints.txt"}

FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 400
BANNED_NAMES = re.compile(r"^_?(utils?|helpers?|common|misc|managers?|shared|stuff)$|_utils?$")

TRANSLATING = (
    *("commands", "definitions", "dialects", "documents", "functions", "impala", "phoenix"),
    *("reading", "rewriting", "rows", "shows", "times", "transpiling", "upserts", "writing"),
)
WITHOUT_TWIN: Mapping[str, str] = {
    "flightkeeper/cli/__main__.py": "started by every test that runs the command",
    **{
        f"flightkeeper/flight_server/sql/{module}.py": "its golden pairs are its tests"
        for module in TRANSLATING
    },
}
"""Modules without a test file of their own, and why."""

SLEEPING: Mapping[str, str] = {
    "tests/discovery/test_conformance.py": "polls real registries, with a deadline",
}
"""Test files without a marker that sleep, and why."""

MACHINE_PATHS = re.compile(r"/(?:work|root|home/[a-z]+|Users/[A-Za-z]+)/(?!\.)")


def python_files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not path.name.endswith("_pb2.py"):
                yield path


def text_files() -> Iterator[Path]:
    yield from (path for path in sorted(ROOT.iterdir()) if path.is_file() and is_text(path))
    for folder in TEXT:
        files = (path for path in sorted((ROOT / folder).rglob("*")) if path.is_file())
        yield from (path for path in files if is_text(path))


def is_text(path: Path) -> bool:
    return path.suffix in TEXT_SUFFIXES or path.name in TEXT_NAMES


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_there_is_something_to_check() -> None:
    assert len(PACKAGES) == 5
    assert len(list(python_files(*CODE))) > 20


def test_functions_fit_on_a_screen() -> None:
    long = {
        f"{name(path)}:{function.lineno} {function.name}"
        for path in python_files(*CODE)
        for function in functions(path)
        if (function.end_lineno or 0) - function.lineno >= FUNCTION_LINES_MAX
    }
    assert not long


def test_files_fit_in_a_head() -> None:
    lengths = {name(path): len(path.read_text().splitlines()) for path in python_files(*CODE)}
    assert not {path: length for path, length in lengths.items() if length > FILE_LINES_MAX}


def test_modules_are_named_for_what_they_own() -> None:
    assert not [
        name(path)
        for path in python_files(*CODE)
        if BANNED_NAMES.search(path.stem) or BANNED_NAMES.search(path.parent.name)
    ]


def test_every_module_says_what_it_owns() -> None:
    silent = [
        name(path)
        for path in python_files(*CODE)
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert not silent


def modules() -> Iterator[tuple[Path, Path]]:
    for package in PACKAGES:
        for path in python_files(str(package.relative_to(ROOT))):
            if path.stem != "__init__":
                yield package, path


def test_every_module_has_its_test_file() -> None:
    missing = []
    for package, path in modules():
        inside = path.relative_to(package)
        flat = "_".join([*inside.parts[:-1], path.stem])
        wanted = {f"test_{path.stem}.py", f"test_{flat}.py"}
        found = {test.name for test in (ROOT / "tests" / package.name).rglob("test_*.py")}
        if not wanted & found and key(path) not in WITHOUT_TWIN:
            missing.append(name(path))
    assert not missing


def test_the_exceptions_are_still_needed() -> None:
    assert set(WITHOUT_TWIN) <= {key(path) for _, path in modules()}


def key(path: Path) -> str:
    parts = path.parts
    return "/".join(parts[len(parts) - 1 - parts[::-1].index("flightkeeper") :])


def sleeps(path: Path) -> bool:
    tree = ast.parse(path.read_text())
    called = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(ast.unparse(function) in {"time.sleep", "sleep"} for function in called)


def test_unit_tests_do_not_sleep() -> None:
    real = re.compile(r"pytest\.mark\.(zookeeper|cluster|slow)")
    sleeping = {
        name(path)
        for path in python_files("tests")
        if path.name.startswith("test_") and not real.search(path.read_text()) and sleeps(path)
    }
    assert sleeping == set(SLEEPING)


def test_no_text_names_a_path_of_one_machine() -> None:
    assert not [
        f"{name(path)}:{number}: {line.strip()}"
        for path in text_files()
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if MACHINE_PATHS.search(line)
    ]


def test_the_patterns_find_what_they_should() -> None:
    assert MACHINE_PATHS.search("see /home" + "/ada/x")
    assert BANNED_NAMES.search("string_utils")
    assert not BANNED_NAMES.search("statement")
