"""What a text reaches besides the engine: each question goes to who answers it."""

from types import SimpleNamespace
from typing import Any, cast

from flightkeeper.flight_server.outside import Beyond


class Told:
    """Notes what it is asked, and answers with its own name for that."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[Any, ...]]] = []

    def __getattr__(self, name: str) -> Any:
        def answer(*arguments: Any) -> str:
            self.asked.append((name, arguments))
            return name

        return answer


def test_each_question_goes_to_who_answers_it() -> None:
    decides, commands, reading = Told(), Told(), Told()
    outside = Beyond(*cast("Any", (decides, "call", commands, reading)))
    some = cast("Any", SimpleNamespace(in_transaction=False))
    outside.set_option("endpoints", "4")
    assert outside.permitted(some, some) == cast("Any", "permitted")
    assert outside.read(some, some, ()) == cast("Any", "run")
    assert cast("Any", outside.command(some, some)) == "run"
    assert cast("Any", outside.around(some, some)) == "around"
    assert [name for name, _ in decides.asked] == ["set_option", "permitted"]
    assert [name for name, _ in commands.asked] == ["run", "around"]
    assert reading.asked == [("run", (some, some, ()))]
    assert all(arguments[0] == "call" for _, arguments in [*decides.asked, *commands.asked])
