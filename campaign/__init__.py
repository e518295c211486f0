"""The campaign workflow engine. `create_app()` is the only place where the parts are wired together."""

from pathlib import Path

from flask import Flask
from flask_migrate import Migrate

from . import clock, models  # noqa: F401  (the nouns must be known before the database is)
from .cli import register_commands
from .config import Settings, load_settings
from .db import Base, db, prepare_engine
from .evidence.store import Store
from .web import register_web

ROOT = Path(__file__).resolve().parent.parent
DEMO_SECRET = "demonstration-only-not-a-secret-0123456789"


def create_app(settings: Settings | None = None) -> Flask:
    """The application, from the given settings or the environment's. Starts nothing: no scheduler, no server."""
    settings = settings or load_settings()
    settings.data_path.mkdir(parents=True, exist_ok=True)
    clock.use_zone(settings.timezone)
    app = Flask(__name__, root_path=str(ROOT), template_folder="templates", static_folder="static")
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key or DEMO_SECRET,
        SQLALCHEMY_DATABASE_URI=settings.effective_database_url,
        SQLALCHEMY_ENGINE_OPTIONS=_engine_options(settings),
        MAX_CONTENT_LENGTH=60 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.address.startswith("https://"),
    )
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
    app.extensions["evidence"] = Store(settings.evidence_path)
    Migrate(app, db, directory=str(ROOT / "campaign" / "migrations"), compare_type=True)
    register_web(app)
    register_commands(app)
    return app


def _engine_options(settings: Settings) -> dict[str, object]:
    if settings.effective_database_url.startswith("sqlite"):
        return {"connect_args": {"timeout": 5}}
    return {"pool_pre_ping": True, "pool_size": 10, "max_overflow": 10, "pool_timeout": 5}


__all__ = ["Base", "create_app"]
