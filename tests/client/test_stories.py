"""The router's scenarios, each a story that runs against the real classes."""

import json
from pathlib import Path

import pytest

from tests.client.stories import Story

SCENARIOS = Path(__file__).parent / "scenarios"
STORIES = {
    f"{path.stem}: {scenario['title']}": scenario
    for path in sorted((SCENARIOS / "router").glob("*.json"))
    for scenario in json.loads(path.read_text())
}
IN_ALL_MIN = 150


@pytest.mark.parametrize("name", STORIES)
def test_story(name: str, tmp_path: Path) -> None:
    story = Story(STORIES[name], tmp_path)
    for phase in STORIES[name]["phases"]:
        story.play(phase)


def test_every_scenario_has_a_title_of_its_own() -> None:
    titles = [
        (path.stem, scenario["title"])
        for path in sorted(SCENARIOS.rglob("*.json"))
        if path.stem != "failover"
        for scenario in json.loads(path.read_text())
    ]
    assert len(set(titles)) == len(titles)


def test_there_are_enough_scenarios_to_be_a_specification() -> None:
    assert (
        sum(len(json.loads(path.read_text())) for path in SCENARIOS.rglob("*.json")) >= IN_ALL_MIN
    )
