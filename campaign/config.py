"""Settings from the environment, read once at start. No other file reads the environment."""

import os
from dataclasses import dataclass, fields
from pathlib import Path

ENVIRONMENTS = ("production", "development", "demo", "test")
KNOWN_SECRETS = {"", "secret", "changeme", "change-me", "dev", "development", "password"}
SECRET_LENGTH = 32


class ConfigError(SystemExit):
    """A setting that the product will not start with; the text says which and why."""


@dataclass(frozen=True)
class Settings:
    """Every setting, under the name it has in the environment without `CAMPAIGN_`, in lower case."""

    database_url: str = ""
    data_dir: str = "./instance"
    evidence_url: str = ""
    secret_key: str = ""
    anchor_dir: str = ""
    timezone: str = "Asia/Shanghai"
    locale: str = "zh_CN"
    host: str = "127.0.0.1"
    port: int = 8000
    env: str = "development"
    log_format: str = "text"
    smtp_url: str = ""
    mail_from: str = "campaign@localhost"
    public_url: str = ""
    proxies: int = 0

    @property
    def data_path(self) -> Path:
        """The folder of everything that is kept outside the database; the database too, if it is SQLite."""
        return Path(self.data_dir).resolve()

    @property
    def effective_database_url(self) -> str:
        """The database: as set, or a SQLite file in the data folder."""
        return self.database_url or f"sqlite:///{self.data_path / 'campaign.sqlite'}"

    @property
    def evidence_path(self) -> Path:
        """The folder of the evidence store."""
        return Path(self.evidence_url.removeprefix("file://")) if self.evidence_url else self.data_path / "evidence"

    @property
    def address(self) -> str:
        """Where the pages are reached, for links in messages."""
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"


def load_settings(environ: dict[str, str] | None = None) -> Settings:
    """Settings from `environ` (default: the process's own). Refuses unknown names and unsafe production secrets."""
    source = dict(os.environ if environ is None else environ)
    given = {name: value for name, value in source.items() if name.startswith("CAMPAIGN_")}
    known = {f"CAMPAIGN_{field.name.upper()}": field for field in fields(Settings)}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ConfigError(f"Unknown setting {', '.join(unknown)}. The README lists the settings.")
    values: dict[str, str | int] = {}
    for name, value in given.items():
        field = known[name]
        try:
            values[field.name] = int(value) if field.type in (int, "int") else value
        except ValueError:
            raise ConfigError(f"{name} must be a whole number, not {value!r}.") from None
    settings = Settings(**values)  # type: ignore[arg-type]
    return _checked(settings)


def _checked(settings: Settings) -> Settings:
    if settings.env not in ENVIRONMENTS:
        raise ConfigError(f"CAMPAIGN_ENV must be one of {', '.join(ENVIRONMENTS)}, not {settings.env!r}.")
    if settings.evidence_url and "://" in settings.evidence_url and not settings.evidence_url.startswith("file://"):
        raise ConfigError("CAMPAIGN_EVIDENCE_URL must be a folder or file:// address.")
    if settings.env == "production":
        weak = settings.secret_key.strip().lower() in KNOWN_SECRETS or len(set(settings.secret_key)) < 8
        if weak or len(settings.secret_key) < SECRET_LENGTH:
            raise ConfigError(f"CAMPAIGN_SECRET_KEY must be set to at least {SECRET_LENGTH} random characters.")
    return settings
