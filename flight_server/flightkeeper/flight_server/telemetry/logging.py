"""Log lines on stderr: text for people, JSON for programs, secrets masked in both.

Owns the one structlog and logging set-up of a process. Lines of the standard library's logging,
which discovery and the client use, take the same way. Must not know what is logged.
"""

import logging
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import TextIO

import structlog
from structlog.types import EventDict, Processor

MASK = "********"

_SECRET_KEY = re.compile(r"password|passwd|secret|token|authorization|private_key", re.IGNORECASE)
_SECRET_IN_TEXT = (
    # An authorization header, a URL's password, a JWT, and name=value pairs.
    (re.compile(r"(?i)\b(basic|bearer)\s+[A-Za-z0-9._~+/=-]{8,}"), rf"\1 {MASK}"),
    (re.compile(r"(://[^/\s:@]*):[^/\s@]+@"), rf"\1:{MASK}@"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+"), MASK),
    (re.compile(r"(?i)\b(password|passwd|secret|token)(\s*[=:]\s*)('[^']*'|\S+)"), rf"\1\2{MASK}"),
    # The same in SQL: CREATE SECRET (TYPE s3, SECRET 'x'), ALTER USER u PASSWORD 'x'.
    (re.compile(r"(?i)\b(password|passwd|secret|\w*token)(\s+)'(?:[^']|'')*'"), rf"\1\2{MASK}"),
)
# These libraries report every retry at INFO or above; our own lines say it once.
_NOISY = {"kazoo": logging.ERROR}


def configure_logging(
    level: str = "info", style: str = "text", stream: TextIO | None = None
) -> None:
    """Set up logging for the whole process; calling it again replaces the set-up.

    Args:
        level: "debug", "info", "warning" or "error".
        style: "text" or "json". Text has colours on a terminal only, and tracebacks only at
            debug level: an operator reads what happened, a developer asks for more.
        stream: where lines go; None means stderr.
    """
    target = stream or sys.stderr
    severity = logging.getLevelNamesMapping()[level.upper()]
    shared = _shared_processors(with_traceback=style == "json" or severity <= logging.DEBUG)
    handler = logging.StreamHandler(target)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(style, colors=target.isatty()),
            ],
        )
    )
    # A line that cannot be written is lost; what it tells of goes on.
    logging.raiseExceptions = False
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(severity)
    for name, least in _NOISY.items():
        logging.getLogger(name).setLevel(max(least, severity))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(severity),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def log_from(level: str) -> None:
    """Write lines of this level and above from now on, in the form that was set up."""
    severity = logging.getLevelNamesMapping()[level.upper()]
    logging.getLogger().setLevel(severity)
    for name, least in _NOISY.items():
        logging.getLogger(name).setLevel(max(least, severity))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(severity))


def add_to_every_line(**values: object) -> Callable[[], None]:
    """Put values, such as node="n1", on all lines of this process, on every thread.

    Returns: a function that takes them off again.
    """
    _EVERY_LINE.update(values)

    def remove() -> None:
        for name in values:
            _EVERY_LINE.pop(name, None)

    return remove


# Written once at start, read by every thread; context variables would not reach gRPC's threads.
_EVERY_LINE: dict[str, object] = {}


def mask_secrets(_logger: object, _method: str, event: MutableMapping[str, object]) -> EventDict:
    """Replace what looks like a secret, by its key or by its form in a text."""
    return {key: _masked(key, value) for key, value in event.items()}


def _masked(key: str, value: object) -> object:
    if _SECRET_KEY.search(key):
        return MASK
    if isinstance(value, str):
        return _masked_text(value)
    if isinstance(value, Mapping):
        return {name: _masked(str(name), item) for name, item in value.items()}
    return value


def _masked_text(text: str) -> str:
    for pattern, replacement in _SECRET_IN_TEXT:
        text = pattern.sub(replacement, text)
    return text


def _add_every_line(_logger: object, _method: str, event: EventDict) -> EventDict:
    return {**_EVERY_LINE, **event}


def _name_the_error(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Put an exception's class and text on the line in place of its traceback."""
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    error = found[1] if isinstance(found, tuple) else found
    if isinstance(error, BaseException):
        event["error"] = f"{type(error).__name__}: {error}"
    return event


def _shared_processors(*, with_traceback: bool) -> list[Processor]:
    return [
        _add_every_line,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info if with_traceback else _name_the_error,
        mask_secrets,
    ]


def _renderers(style: str, *, colors: bool) -> list[Processor]:
    if style == "json":
        return [structlog.processors.JSONRenderer(default=str)]
    return [structlog.dev.ConsoleRenderer(colors=colors, pad_event_to=0)]
