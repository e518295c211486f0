"""Closed by default: a stranger is sent to the sign-in page, or told nothing; only the public list answers."""

import pytest

from campaign.web.access import PUBLIC

from .sources import assert_none

SAMPLES = {"int": 1, "uuid": "00000000-0000-0000-0000-000000000001", "path": "a/b", "string": "a", "any": "en"}


def addresses(app) -> list[tuple[str, str, str]]:
    """Every (endpoint, method, path), with something put into each place."""
    found = []
    for rule in app.url_map.iter_rules():
        values = {}
        for name, converter in rule._converters.items():
            items = getattr(converter, "items", None)
            kind = type(converter).__name__.removesuffix("Converter").lower()
            kind = {"integer": "int", "unicode": "string"}.get(kind, kind)
            values[name] = sorted(items)[0] if items else SAMPLES[kind]
        _, path = rule.build(values)
        found += [(rule.endpoint, method, path) for method in sorted(rule.methods - {"HEAD", "OPTIONS"})]
    return found


def test_every_route_is_closed_to_strangers(app, client):
    app.config["WTF_CSRF_ENABLED"] = False  # the guard itself is asked, not the check of forms before it
    found = []
    for endpoint, method, path in addresses(app):
        if endpoint in PUBLIC:
            continue
        response = client.open(path, method=method)
        to_sign_in = response.status_code in (302, 303) and "/sign-in" in response.location
        if not to_sign_in and response.status_code not in (401, 404):
            found.append(f"{method} {path} ({endpoint}) answers {response.status_code}")
    assert_none(found)


def test_the_public_list_names_only_what_exists(app):
    assert PUBLIC - {rule.endpoint for rule in app.url_map.iter_rules()} == set()


def test_public_is_what_a_stranger_needs_and_no_more():
    """A new public endpoint is a decision: write it here, with the reason."""
    assert {
        "static",  # the looks of the sign-in page
        "door.sign_in",
        "door.sign_out",  # somebody whose session has ended signs out without an error
        "door.language",  # one must be able to read the sign-in page
        "system.healthz",  # machines watch these three; they say nothing of people
        "system.readyz",
        "system.metrics",
        "feed.calendar",  # calendar programs sign in nowhere: the address holds a secret that its owner can withdraw
        "system.styleguide",  # components without data; in production it does not exist
    } == PUBLIC


@pytest.mark.parametrize("path", ["/nowhere", "/assignments/999999", "/campaigns/x"])
def test_what_does_not_exist_says_nothing_to_strangers(client, path):
    assert client.get(path).status_code in (302, 303, 401, 404)


def test_a_form_from_elsewhere_is_refused(app, client):
    """Every route that changes something checks the form's token, signed in or not."""
    found = []
    for endpoint, method, path in addresses(app):
        if method == "GET" or endpoint == "static":
            continue
        response = client.open(path, method=method)
        if response.status_code < 400 and "/sign-in" not in (response.location or ""):
            found.append(f"{method} {path} ({endpoint}) answers {response.status_code}")
    assert_none(found)
