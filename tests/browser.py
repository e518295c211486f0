"""Browsers for tests: a client whose every request stands alone. (The page client and Chromium follow.)"""

import pytest
from flask.testing import FlaskClient

from campaign.db import db


class Client(FlaskClient):
    """Gives each request a context and a session of its own; afterwards the test's objects are read afresh."""

    def open(self, *args, **kwargs):
        """One request."""
        db.session.rollback()  # a reading transaction of the test would show it the past
        with self.application.app_context():
            response = super().open(*args, **kwargs)
        db.session.expire_all()
        return response


@pytest.fixture(scope="session")
def client_class() -> type[FlaskClient]:
    """The class of every test client."""
    return Client
