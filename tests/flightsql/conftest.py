"""Settings of these tests: the first example pays for imports, so none has a deadline."""

from hypothesis import settings

settings.register_profile("flightkeeper", deadline=None)
settings.load_profile("flightkeeper")
