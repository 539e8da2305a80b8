"""What the tests of the doors share."""

from collections.abc import Iterator

import pytest
from flask import Flask


@pytest.fixture(autouse=True)
def _nothing_counted(request: pytest.FixtureRequest) -> Iterator[None]:
    """Forget what earlier tests asked for: previews and failed sign-ins are counted for longer than a test."""
    if "app" not in request.fixturenames:
        yield
        return
    storage = request.getfixturevalue("app").extensions["limits"].storage
    storage.reset()
    yield
    storage.reset()


@pytest.fixture
def other_site(app: Flask, site: str) -> str:
    """Make a second site, on another origin, and return its key."""
    from tests.conftest import make_site

    return make_site(app, "harbour", "https://harbour.example")
