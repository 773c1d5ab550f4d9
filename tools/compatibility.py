"""Write docs/compatibility.md: which tools of others work with a node, each proved by a test.

What is listed is what the tests under tests/conformance declare with `pytest.mark.tool`, read from
their source. Versions and outcomes come from the reports that `make test` and `make conformance`
leave. `--check` compares the document with the declarations alone, so it needs none of the tools.
"""

import ast
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs/compatibility.md"
TESTS = ROOT / "tests/conformance"
REPORTS = ROOT / ".tools/compatibility"

HEAD = """\
# Tools that work with Flightkeeper

Every entry is a test that drives the unchanged tool against real nodes: in `make test`, or in
`make conformance` for what needs other languages. What does not work is tested too, so that this
page cannot promise too little for long. `make compatibility` writes this page from the tests.

| tool | version | works | does not work, and why |
|---|---|---|---|
"""


class Claim(NamedTuple):
    """What a test proves of a tool; with a limit: that it does not work, and why."""

    tool: str
    feature: str
    limit: str


def main() -> int:
    """Write the document, or with `--check` compare it; the exit code."""
    claims = declared(TESTS)
    if "--check" in sys.argv[1:]:
        text = DOCUMENT.read_text() if DOCUMENT.exists() else ""
        stale = render(claims, versions_in(text)) != text
        if stale:
            print("docs/compatibility.md is not what the tests say; run `make compatibility`")
        return int(stale)
    findings = [found for path in REPORTS.glob("*.json") for found in json.loads(path.read_text())]
    if problems := list(differences(claims, findings)):
        print("\n".join(problems))
        return 1
    DOCUMENT.write_text(render(claims, {found["tool"]: found["version"] for found in findings}))
    return 0


def declared(folder: Path) -> list[Claim]:
    """The claims of all tests of a folder, in the order of files and lines, without duplicates."""
    claims = [claim for path in sorted(folder.rglob("test_*.py")) for claim in claims_in(path)]
    return list(dict.fromkeys(claims))


def claims_in(path: Path) -> Iterator[Claim]:
    """The claims of one test file.

    Raises:
        ValueError: a text of a mark is neither a literal nor a constant of the file.
    """
    tree = ast.parse(path.read_text())
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }

    def text(node: ast.expr) -> str:
        value = constants.get(node.id) if isinstance(node, ast.Name) else ast.literal_eval(node)
        if not isinstance(value, str) or "|" in value:
            raise ValueError(f"{path.name}:{node.lineno}: not a plain text: {ast.unparse(node)}")
        return value

    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        if ast.unparse(call.func) == "pytest.mark.tool":
            tool, feature = map(text, call.args)
            yield Claim(tool, feature, "".join(text(word.value) for word in call.keywords))


def differences(claims: list[Claim], findings: list[dict[str, Any]]) -> Iterator[str]:
    """Why the reports do not prove the claims, in sentences."""
    names = {found["tool"]: found["version"] for found in findings}
    proved = {Claim(found["tool"], found["feature"], found["limit"]) for found in findings}
    for found in findings:
        if found["outcome"] != "passed":
            yield f"{found['tool']}: a test of {found['feature']!r} {found['outcome']}"
        elif found["version"] != names[found["tool"]] or not found["version"]:
            yield f"{found['tool']}: reported as {found['version']!r} and {names[found['tool']]!r}"
    for claim in claims:
        if claim not in proved:
            yield f"{claim.tool}: no report of {claim.feature!r}; run its tests"
    yield from (f"{claim.tool}: no test of {claim.feature!r}" for claim in proved - {*claims})


def render(claims: list[Claim], versions: Mapping[str, str]) -> str:
    """The document; one row for each tool, in alphabetical order."""
    rows = []
    for tool in sorted({claim.tool for claim in claims}, key=str.casefold):
        own = [claim for claim in claims if claim.tool == tool]
        works = "; ".join(claim.feature for claim in own if not claim.limit)
        limits = "; ".join(f"{claim.feature}: {claim.limit}" for claim in own if claim.limit)
        rows.append(f"| {tool} | {versions.get(tool, '')} | {works} | {limits} |\n")
    return HEAD + "".join(rows)


def versions_in(document: str) -> dict[str, str]:
    """The version of each tool, as a document shows it."""
    cells = (line.split(" | ") for line in document.splitlines() if line.startswith("| "))
    return {row[0].removeprefix("| "): row[1] for row in cells}


if __name__ == "__main__":
    sys.exit(main())
