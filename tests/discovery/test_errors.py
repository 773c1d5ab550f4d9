"""The tree of errors, as the module draws it."""

from flightkeeper.discovery import errors


def test_the_drawing_is_complete() -> None:
    drawing = errors.__doc__ or ""
    made = [e for e in vars(errors).values() if isinstance(e, type)]
    assert len(made) == 7
    assert all(error.__name__ in drawing for error in made)
    assert all(issubclass(error, errors.RegistryError) for error in made)
