"""The tree of errors, as the module draws it."""

from flightkeeper.discovery import errors


def test_the_drawing_is_complete() -> None:
    drawing = errors.__doc__ or ""
    made = [e for e in vars(errors).values() if isinstance(e, type)]
    assert len(made) == 8
    assert all(error.__name__ in drawing for error in made)
    assert all(issubclass(error, errors.RegistryError) for error in made)


def test_a_wrong_url_names_its_part() -> None:
    error = errors.InvalidRegistryUrl("zk://h:x", "port", "'x' is not a number")
    assert (error.url, error.part) == ("zk://h:x", "port")
    assert str(error) == "registry URL 'zk://h:x': the port is wrong: 'x' is not a number"
