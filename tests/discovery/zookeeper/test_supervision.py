"""When a session counts as lost, and when a fresh client takes over."""

from dataclasses import replace

import pytest

from flightkeeper.discovery.zookeeper.supervision import Limits, Outlook, Step, judge

LIMITS = Limits(lost_after_s=3, fresh_after_s=60, fresh_grace_s=5)
AWAY = Outlook(disconnected_since_s=100)
LOST = Outlook(disconnected_since_s=100, declared_lost=True)
TRYING = Outlook(disconnected_since_s=100, declared_lost=True, has_candidate=True)
FRESH = Outlook(100, declared_lost=True, has_candidate=True, candidate_since_s=170)


@pytest.mark.parametrize(
    ("outlook", "now_s", "step"),
    [
        (Outlook(disconnected_since_s=None), 999, Step.WAIT),
        (Outlook(disconnected_since_s=None, has_candidate=True), 999, Step.DROP_CANDIDATE),
        (AWAY, 102.9, Step.WAIT),
        (AWAY, 103, Step.DECLARE_LOST),
        (LOST, 159.9, Step.WAIT),
        (LOST, 160, Step.START_CANDIDATE),
        (TRYING, 999, Step.WAIT),
        (FRESH, 174.9, Step.WAIT),
        (FRESH, 175, Step.ADOPT_CANDIDATE),
        (replace(TRYING, candidate_given_up=True), 161, Step.DROP_CANDIDATE),
        (replace(LOST, candidate_not_before_s=166), 165.9, Step.WAIT),
        (replace(LOST, candidate_not_before_s=166), 166, Step.START_CANDIDATE),
        (Outlook(100, given_up=True), 100, Step.DECLARE_LOST),
        (Outlook(100, declared_lost=True, given_up=True), 100, Step.START_CANDIDATE),
        (replace(FRESH, given_up=True), 170, Step.ADOPT_CANDIDATE),
    ],
)
def test_judge(outlook: Outlook, now_s: float, step: Step) -> None:
    assert judge(outlook, LIMITS, now_s) is step
