"""Settings from the environment, read once at start. No other file reads the environment."""

import binascii
import os
import re
from base64 import b64decode
from dataclasses import dataclass, field, fields
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

ENVIRONMENTS = ("production", "development", "demo", "test")
LOCALES = ("zh_CN", "en")
LOG_FORMATS = ("json", "text")
DATABASES = ("sqlite:///", "postgresql+psycopg://")
LAST_PORT = 65_535
KNOWN_SECRETS = {"", "secret", "changeme", "change-me", "dev", "development", "password"}
SECRET_LENGTH = 32
LOOPBACK = ("localhost", "127.0.0.1", "::1")
WEBHOOKS = {  # the settings that hold an address to post to, and what each must carry
    "CAMPAIGN_WECOM_WEBHOOK": "key",
    "CAMPAIGN_DINGTALK_WEBHOOK": "access_token",
    "CAMPAIGN_FEISHU_WEBHOOK": "",
    "CAMPAIGN_WEBHOOK_URL": "",
}
WEBHOOK_SECRET_LENGTH = 16
S3 = "s3://"
STYLES = ("path", "virtual")  # the bucket in the address's path, or before its host
BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
PREFIX = re.compile(r"[\w/-]*", re.ASCII)
SMS_VALUES = ("name", "count", "link")
SMS_NEEDS = {"aliyun": {"sign", "template"}, "tencent": {"sign", "template", "app"}}


class ConfigError(SystemExit):
    """A setting that the product will not start with; the text says which and why."""


@dataclass(frozen=True)
class Sms:
    """The account at a provider of short messages. `values`: what its template wants, in its order, of SMS_VALUES."""

    provider: str
    url: str
    key: str
    secret: str = field(repr=False)
    sign: str
    template: str
    app: str
    region: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Bucket:
    """An S3-compatible bucket. `prefix` is empty or ends with a slash; `style` is how its name goes into addresses."""

    name: str
    prefix: str
    endpoint: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    region: str
    style: str


@dataclass(frozen=True)
class Settings:
    """Every setting, under the name it has in the environment without `CAMPAIGN_`, in lower case."""

    database_url: str = field(default="", repr=False)
    data_dir: str = "./instance"
    evidence_url: str = ""
    s3_endpoint: str = ""
    s3_access_key: str = field(default="", repr=False)
    s3_secret_key: str = field(default="", repr=False)
    s3_region: str = "us-east-1"
    s3_style: str = "path"
    secret_key: str = field(default="", repr=False)
    anchor_dir: str = ""
    timezone: str = "Asia/Shanghai"
    locale: str = "zh_CN"
    host: str = "127.0.0.1"
    port: int = 8000
    env: str = "development"
    log_format: str = "text"
    smtp_url: str = field(default="", repr=False)
    mail_from: str = "campaign@localhost"
    wecom_webhook: str = field(default="", repr=False)
    dingtalk_webhook: str = field(default="", repr=False)
    dingtalk_secret: str = field(default="", repr=False)
    feishu_webhook: str = field(default="", repr=False)
    feishu_secret: str = field(default="", repr=False)
    sms_url: str = field(default="", repr=False)
    webhook_url: str = field(default="", repr=False)
    webhook_secret: str = field(default="", repr=False)
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
        """The folder of the evidence store; where that is a bucket, of what this machine keeps beside it."""
        if not self.evidence_url or self.evidence_url.startswith(S3):
            return self.data_path / "evidence"
        return Path(self.evidence_url.removeprefix("file://"))

    @property
    def bucket(self) -> Bucket | None:
        """The bucket of the evidence store; None when it is a folder. Raises ConfigError when it cannot be used."""
        return _bucket(self, self.evidence_url) if self.evidence_url.startswith(S3) else None

    @property
    def address(self) -> str:
        """Where the pages are reached, for links in messages."""
        return self.public_url.rstrip("/") or f"http://{self.host}:{self.port}"

    @property
    def sms(self) -> Sms:
        """What `sms_url` says. Raises ConfigError when it says nothing that can be used."""
        return _sms(self.sms_url)

    @property
    def webhook_key(self) -> bytes:
        """What the webhook's messages are signed with: the secret itself, or what stands in base64 after `whsec_`."""
        secret = self.webhook_secret
        return b64decode(secret[6:], validate=True) if secret.startswith("whsec_") else secret.encode()


def load_settings(environ: dict[str, str] | None = None) -> Settings:
    """Settings from `environ` (default: the process's own). Refuses unknown names and unsafe production secrets."""
    source = dict(os.environ if environ is None else environ)
    given = {name: value for name, value in source.items() if name.startswith("CAMPAIGN_")}
    known = {f"CAMPAIGN_{setting.name.upper()}": setting for setting in fields(Settings)}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ConfigError(f"Unknown setting {', '.join(unknown)}. The README lists the settings.")
    values: dict[str, str | int] = {}
    for name, value in given.items():
        setting = known[name]
        try:
            values[setting.name] = int(value) if setting.type in (int, "int") else value
        except ValueError:
            raise ConfigError(f"{name} must be a whole number, not {value!r}.") from None
    settings = Settings(**values)  # type: ignore[arg-type]
    return _checked(settings)


def _checked(settings: Settings) -> Settings:
    if settings.env not in ENVIRONMENTS:
        raise ConfigError(f"CAMPAIGN_ENV must be one of {', '.join(ENVIRONMENTS)}, not {settings.env!r}.")
    _check_plain(settings)
    check_evidence_url(settings, settings.evidence_url)
    if settings.env == "production":
        weak = settings.secret_key.strip().lower() in KNOWN_SECRETS or len(set(settings.secret_key)) < 8
        if weak or len(settings.secret_key) < SECRET_LENGTH:
            raise ConfigError(f"CAMPAIGN_SECRET_KEY must be set to at least {SECRET_LENGTH} random characters.")
    _check_channels(settings)
    return settings


def _check_plain(settings: Settings) -> None:
    """Refuses what would only be noticed later, by a traceback or by nobody. No sentence quotes an address: it may
    hold a password."""
    if settings.locale not in LOCALES:
        raise ConfigError(f"CAMPAIGN_LOCALE must be one of {', '.join(LOCALES)}, not {settings.locale!r}.")
    if settings.log_format not in LOG_FORMATS:
        raise ConfigError(f"CAMPAIGN_LOG_FORMAT must be one of {', '.join(LOG_FORMATS)}, not {settings.log_format!r}.")
    if not 1 <= settings.port <= LAST_PORT:
        raise ConfigError(f"CAMPAIGN_PORT must be a number from 1 to {LAST_PORT}.")
    if settings.proxies < 0:
        raise ConfigError("CAMPAIGN_PROXIES says how many proxies stand before the product: 0 or more.")
    try:
        ZoneInfo(settings.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError("CAMPAIGN_TIMEZONE must name a time zone, for example Asia/Shanghai.") from None
    if settings.database_url and not settings.database_url.startswith(DATABASES):
        raise ConfigError(f"CAMPAIGN_DATABASE_URL must begin with {' or '.join(DATABASES)}.")
    if settings.public_url and _address("CAMPAIGN_PUBLIC_URL", settings.public_url).scheme not in ("http", "https"):
        raise ConfigError("CAMPAIGN_PUBLIC_URL must begin with https:// or http://.")


def check_evidence_url(settings: Settings, url: str) -> None:
    """Raises ConfigError for what can be no home of evidence. No sentence quotes a key."""
    if url.startswith(S3):
        _bucket(settings, url)
    elif "://" in url and not url.startswith("file://"):
        raise ConfigError("CAMPAIGN_EVIDENCE_URL must be a folder, a file:// address or s3://bucket/prefix.")


def _bucket(settings: Settings, url: str) -> Bucket:
    name, _, prefix = url.removeprefix(S3).partition("/")
    if not BUCKET_NAME.fullmatch(name) or not PREFIX.fullmatch(prefix):
        raise ConfigError(
            "CAMPAIGN_EVIDENCE_URL must be s3://bucket/prefix: the bucket of 3 to 63 small letters, digits, - and ., "
            "the prefix of letters, digits, -, _ and /."
        )
    for setting in ("s3_endpoint", "s3_access_key", "s3_secret_key", "s3_region"):
        value = getattr(settings, setting)
        if not value or not value.isascii() or value != "".join(value.split()):
            named = f"CAMPAIGN_{setting.upper()}"
            raise ConfigError(f"{named} must be set, in ASCII without spaces, since CAMPAIGN_EVIDENCE_URL is a bucket.")
    parts = _address("CAMPAIGN_S3_ENDPOINT", settings.s3_endpoint)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ConfigError("CAMPAIGN_S3_ENDPOINT must begin with https:// (http:// is for this machine only).")
    if parts.username is not None or parts.query or parts.fragment or parts.path not in ("", "/"):
        raise ConfigError("CAMPAIGN_S3_ENDPOINT must be a host, perhaps with a port, and nothing else.")
    if settings.s3_style not in STYLES:
        raise ConfigError(f"CAMPAIGN_S3_STYLE must be one of {', '.join(STYLES)}.")
    prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    keys = settings.s3_access_key, settings.s3_secret_key
    endpoint = settings.s3_endpoint.rstrip("/")
    return Bucket(name, prefix, endpoint, *keys, settings.s3_region, settings.s3_style)


def _check_channels(settings: Settings) -> None:
    """Refuses what no channel could send to. No sentence quotes the value: it may hold a password."""
    if settings.smtp_url and _address("CAMPAIGN_SMTP_URL", settings.smtp_url).scheme not in ("smtp", "smtps"):
        raise ConfigError("CAMPAIGN_SMTP_URL must begin with smtp:// or smtps://.")
    for name, part in WEBHOOKS.items():
        value = getattr(settings, name.removeprefix("CAMPAIGN_").lower())
        if value:
            _check_webhook(name, value, part)
    for robot in ("DINGTALK", "FEISHU"):
        secret, webhook = (getattr(settings, f"{robot.lower()}_{what}") for what in ("secret", "webhook"))
        if secret and not webhook:
            raise ConfigError(f"CAMPAIGN_{robot}_SECRET is set, but CAMPAIGN_{robot}_WEBHOOK is not.")
        if secret != "".join(secret.split()):
            raise ConfigError(f"CAMPAIGN_{robot}_SECRET must not hold spaces.")
    if settings.webhook_url or settings.webhook_secret:
        _check_webhook_secret(settings)
    if settings.sms_url:
        _sms(settings.sms_url)


def _address(name: str, value: str) -> SplitResult:
    """The parts of an address with a host. Raises ConfigError, naming the setting."""
    try:
        parts = urlsplit(value)
        wrong = not parts.hostname or parts.port == 0 or any(sign <= " " or sign == "\x7f" for sign in value)
    except ValueError:
        wrong = True
    if wrong:
        raise ConfigError(f"{name} is not an address: it needs a host, and a port only as a number; see the README.")
    return parts


def _check_webhook(name: str, value: str, part: str) -> None:
    parts = _address(name, value)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise ConfigError(f"{name} must begin with https:// (http:// is for this machine only).")
    if parts.username is not None or parts.fragment or not value.isascii():
        raise ConfigError(f"{name} must be the address as the provider shows it: no user before the host, no #, ASCII.")
    if part and not dict(parse_qsl(parts.query)).get(part):
        raise ConfigError(f"{name} must hold {part}=…, as the provider shows it.")


def _check_webhook_secret(settings: Settings) -> None:
    if not settings.webhook_url:
        raise ConfigError("CAMPAIGN_WEBHOOK_SECRET is set, but CAMPAIGN_WEBHOOK_URL is not.")
    try:
        weak = len(settings.webhook_key) < WEBHOOK_SECRET_LENGTH
    except binascii.Error:
        raise ConfigError("CAMPAIGN_WEBHOOK_SECRET begins with whsec_, but what follows is not base64.") from None
    if weak:
        raise ConfigError(f"CAMPAIGN_WEBHOOK_SECRET must be at least {WEBHOOK_SECRET_LENGTH} random characters.")


def _sms(value: str) -> Sms:
    """The account that CAMPAIGN_SMS_URL names. Raises ConfigError."""
    name = "CAMPAIGN_SMS_URL"
    parts = _address(name, value)
    if parts.scheme not in SMS_NEEDS:
        raise ConfigError(f"{name} must begin with aliyun:// or tencent://.")
    if not parts.username or not parts.password or parts.path not in ("", "/"):
        raise ConfigError(f"{name} must be {parts.scheme}://KEY:SECRET@host/?… with both parts of the key.")
    needs = SMS_NEEDS[parts.scheme]
    given = dict(parse_qsl(parts.query))
    if missing := sorted(needs - {key for key, text in given.items() if text.strip()}):
        raise ConfigError(f"{name} lacks {', '.join(missing)}; see the README.")
    if unknown := sorted(set(given) - needs - {"values"} - ({"region"} if parts.scheme == "tencent" else set())):
        raise ConfigError(f"{name} holds {', '.join(unknown)}, which it does not know; a + or & is written %2B or %26.")
    values = tuple(given.get("values", ",".join(SMS_VALUES)).split(","))
    if set(values) - set(SMS_VALUES) or len(set(values)) < len(values):
        raise ConfigError(f"{name}: values must be some of {','.join(SMS_VALUES)}, each once.")
    host = parts.netloc.rpartition("@")[2]
    url = f"{'http' if parts.hostname in LOOPBACK else 'https'}://{host}/"
    key, secret, region = unquote(parts.username), unquote(parts.password), given.get("region", "ap-guangzhou")
    app = given.get("app", "")
    if not f"{key}{secret}{region}{app}".isascii():
        raise ConfigError(f"{name}: key, secret, app and region are ASCII.")
    return Sms(parts.scheme, url, key, secret, given["sign"], given["template"], app, region, values)
