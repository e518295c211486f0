"""Settings: what the product will not start with, said in one line."""

from dataclasses import fields

import pytest

from campaign import own_secret
from campaign.config import KNOWN_SECRETS, ConfigError, Settings, load_settings

GOOD_SECRET = "q8Zr2vT6mK4xN1bL9cW7sD5fH3jG0pYe"


def test_an_empty_environment_is_enough():
    settings = load_settings({})
    assert settings.effective_database_url.startswith("sqlite:///")
    assert settings.evidence_path.parent == settings.data_path


def test_every_setting_can_be_given():
    given = {f"CAMPAIGN_{field.name.upper()}": str(getattr(Settings(), field.name)) for field in fields(Settings)}
    assert load_settings(given) == Settings()


def test_the_rest_of_the_environment_is_none_of_our_business():
    assert load_settings({"PATH": "x", "DATABASE_URL": "postgresql://elsewhere"}) == Settings()


# What is given, and what the refusal names.
REFUSED = [
    ({"CAMPAIGN_DATABSE_URL": "x"}, "CAMPAIGN_DATABSE_URL"),  # a slip of the keyboard must not start another database
    ({"CAMPAIGN_PORT": "eighty"}, "CAMPAIGN_PORT"),
    ({"CAMPAIGN_ENV": "prod"}, "CAMPAIGN_ENV"),
    ({"CAMPAIGN_PORT": "70000"}, "CAMPAIGN_PORT"),
    ({"CAMPAIGN_PROXIES": "-1"}, "CAMPAIGN_PROXIES"),
    ({"CAMPAIGN_LOCALE": "xx"}, "CAMPAIGN_LOCALE"),
    ({"CAMPAIGN_LOG_FORMAT": "xml"}, "CAMPAIGN_LOG_FORMAT"),
    *[({"CAMPAIGN_TIMEZONE": zone}, "CAMPAIGN_TIMEZONE") for zone in ("Mars/Base", "../etc/passwd", "", "Asia")],
    *[({"CAMPAIGN_DATABASE_URL": url}, "CAMPAIGN_DATABASE_URL") for url in ("nonsense", "mysql://u:p@host/x")],
    *[
        ({"CAMPAIGN_PUBLIC_URL": url}, "CAMPAIGN_PUBLIC_URL")
        for url in ("javascript:x", "campaign.example", "https://")
    ],
    ({"CAMPAIGN_EVIDENCE_URL": "ftp://host/evidence"}, "CAMPAIGN_EVIDENCE_URL"),
    ({"CAMPAIGN_ENV": "production"}, "CAMPAIGN_SECRET_KEY"),
    ({"CAMPAIGN_ENV": "production", "CAMPAIGN_SECRET_KEY": GOOD_SECRET[:31]}, "CAMPAIGN_SECRET_KEY"),
    ({"CAMPAIGN_ENV": "production", "CAMPAIGN_SECRET_KEY": "ab" * 40}, "CAMPAIGN_SECRET_KEY"),
    *[({"CAMPAIGN_ENV": "production", "CAMPAIGN_SECRET_KEY": word}, "CAMPAIGN_SECRET_KEY") for word in KNOWN_SECRETS],
]


@pytest.mark.parametrize(("environ", "named"), REFUSED)
def test_a_setting_that_cannot_hold_is_refused_by_name(environ, named):
    with pytest.raises(ConfigError, match=named):
        load_settings(environ)


def test_production_starts_with_a_good_secret():
    assert load_settings({"CAMPAIGN_ENV": "production", "CAMPAIGN_SECRET_KEY": GOOD_SECRET}).env == "production"


def test_an_installation_without_a_key_makes_its_own_once(tmp_path):
    first = own_secret(tmp_path / "secret-key")
    assert len(first) >= 48
    assert own_secret(tmp_path / "secret-key") == first
    assert (tmp_path / "secret-key").stat().st_mode & 0o077 == 0
