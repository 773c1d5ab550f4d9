"""SQLAlchemy's own tests of a dialect, collected here by their plugin."""

from sqlalchemy.testing.suite import *  # noqa: F403 - the way SQLAlchemy has it
