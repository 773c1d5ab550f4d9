"""Says once what a duty meets again at every step."""

from collections.abc import Callable, Mapping

import structlog

from flightkeeper.flight_server.system.events import What

Note = Callable[[What, str, str], None]
"""Takes down what happened, to what, and the details; as `Events.record`."""

_log = structlog.get_logger(__name__)


def logged(note: Note) -> Note:
    """Take it down in the log too."""

    def both(what: What, subject: str, detail: str) -> None:
        note(what, subject, detail)
        say = _log.warning if what is What.DUTY_HINDERED else _log.info
        say(what.value, subject=subject, detail=detail)

    return both


class Reports:
    """What was said already. One thread's."""

    def __init__(self, what: What, note: Note) -> None:
        """Nothing was said yet."""
        self._what = what
        self._note = note
        self._said: Mapping[str, str] = {}

    def found(self, problems: Mapping[str, str]) -> None:
        """Say what is not as it was; what is not among them is over.

        Args:
            problems: by what they are about; all there are now.
        """
        for subject, detail in problems.items():
            if self._said.get(subject) != detail:
                self._note(self._what, subject, detail)
        self._said = dict(problems)
