"""What says how to reach a registry over TLS."""

from pathlib import Path

from flightkeeper.discovery.tls import RegistryTls


def test_the_environment_names_the_files() -> None:
    assert RegistryTls.from_environment({}) == RegistryTls()
    variables = {
        "FLIGHTKEEPER_REGISTRY_TLS_CA": "/ca.pem",
        "FLIGHTKEEPER_REGISTRY_TLS_CERT": "/me.pem",
        "FLIGHTKEEPER_REGISTRY_TLS_KEY": "",
    }
    found = RegistryTls.from_environment(variables)
    assert found == RegistryTls(Path("/ca.pem"), Path("/me.pem"), None)
