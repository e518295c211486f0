"""The campaign workflow engine. `create_app()` is the only place where the parts are wired together."""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from time import sleep

from flask import Flask
from flask_migrate import Migrate

from . import clock, models  # noqa: F401  (the nouns must be known before the database is)
from .cli import register_commands
from .config import ConfigError, Settings, load_settings
from .connections import WriterPool, prepare_engine
from .db import Base, db
from .evidence.homes import home_of
from .web import register_web

ROOT = Path(__file__).resolve().parent.parent
# A server that is gone without a word is noticed within a minute, by the kernel and not by every request.
KEEP_ALIVE = {"keepalives": 1, "keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}


def create_app(settings: Settings | None = None) -> Flask:
    """The application, from the given settings or the environment's. Starts nothing: no scheduler, no server."""
    settings = settings or load_settings()
    settings.data_path.mkdir(parents=True, exist_ok=True)
    clock.use_zone(settings.timezone)
    secure = settings.address.startswith("https://")
    app = Flask(__name__, root_path=str(ROOT), template_folder="templates", static_folder="static")
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key or own_secret(settings.data_path / "secret-key"),
        SQLALCHEMY_DATABASE_URI=settings.effective_database_url,
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(settings),
        MAX_CONTENT_LENGTH=60 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_NAME="__Host-session" if secure else "session",
    )
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
    app.extensions["evidence"] = home_of(settings)
    Migrate(app, db, directory=str(ROOT / "campaign" / "migrations"), compare_type=True)
    register_web(app)
    register_commands(app)
    return app


def own_secret(file: Path) -> str:
    """The key of an installation that was given none: made at its first start, shared by its processes.

    Production never gets here: it refuses to start without a key of its own.
    """
    with suppress(FileExistsError):
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as stream:
            stream.write(secrets.token_urlsafe(48))
    for _ in range(50):  # another process may be writing it at this moment
        if key := file.read_text(encoding="ascii"):
            return key
        sleep(0.02)
    raise ConfigError(f"{file} is empty. Remove it, or set CAMPAIGN_SECRET_KEY.")


def _engine_options(settings: Settings) -> dict[str, object]:
    if settings.effective_database_url.startswith("sqlite"):
        return {"poolclass": WriterPool, "connect_args": {"timeout": 5}}
    return {
        "pool_pre_ping": True,
        "pool_size": 10,
        "max_overflow": 10,
        "pool_timeout": 5,
        "connect_args": KEEP_ALIVE,
    }


__all__ = ["Base", "create_app"]
