"""The reader's language: which one, where its words come from, and how a sentence from below is put into it."""

import contextlib
import os
import tempfile
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from flask import Flask, current_app, g, has_request_context, request
from flask_babel import Babel, gettext

from ..config import ConfigError, Settings
from ..errors import Sentence

LANGUAGES = {"zh_CN": "简体中文", "en": "English"}
PARTS = Path(__file__).resolve().parent.parent / "translations"
COOKIE = "locale"


def register_language(app: Flask) -> None:
    """Builds the catalogue from its parts and lets each request choose between Chinese and English."""
    settings: Settings = app.config["SETTINGS"]
    folder = settings.data_path / "translations"
    full_name = str(Locale.parse("zh_CN"))  # the library looks under zh_Hans_CN
    build_catalogue(PARTS / "zh_CN", folder / full_name / "LC_MESSAGES" / "messages.mo")
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = str(folder)
    Babel(
        app,
        default_locale=settings.locale,
        default_timezone=settings.timezone,
        locale_selector=choose_locale,
        timezone_selector=lambda: settings.timezone,
    )
    app.context_processor(lambda: {"languages": LANGUAGES, "locale": choose_locale()})


def choose_locale() -> str:
    """The person's own choice, else the browser's cookie, else the setting. Asks nothing of the database."""
    settings: Settings = current_app.config["SETTINGS"]
    if not has_request_context():
        return settings.locale
    reader = g.get("_login_user")  # loaded by the guard before any page; absent when the database is away
    wishes = (getattr(reader, "locale", None), request.cookies.get(COOKIE), settings.locale)
    return next((wish for wish in wishes if wish in LANGUAGES), "zh_CN")


def speak(sentence: Sentence) -> str:
    """The sentence in the reader's language, with dates as they are read here."""
    return str(gettext(sentence.text)) % {name: _said(value) for name, value in sentence.values.items()}


def _said(value: Any) -> Any:
    if isinstance(value, Sentence):
        return speak(value)
    if isinstance(value, datetime):
        zone = ZoneInfo(current_app.config["SETTINGS"].timezone)
        return _day(value.astimezone(zone).date()) + value.astimezone(zone).strftime(" %H:%M")
    if isinstance(value, date):
        return _day(value)
    return f"{value:f}" if isinstance(value, Decimal) else value


def _day(day: date) -> str:
    return f"{day.month}月{day.day}日" if choose_locale() == "zh_CN" else f"{day.day} {day:%b}"


def build_catalogue(parts: Path, target: Path) -> None:
    """Writes all parts as one compiled catalogue; does nothing when it is there already. A torn file is impossible."""
    sources = tuple((part.name, part.read_bytes()) for part in sorted(parts.glob("*.po")))
    compiled = compile_parts(sources)
    if target.exists() and target.read_bytes() == compiled:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(compiled)
        Path(name).replace(target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()


@lru_cache(maxsize=4)
def compile_parts(sources: tuple[tuple[str, bytes], ...]) -> bytes:
    """The parts merged and compiled. Refuses a message that two parts translate differently."""
    merged = Catalog(locale="zh_CN", domain="messages")
    origin: dict[Any, str] = {}
    for name, content in sources:
        for message in read_po(BytesIO(content), locale="zh_CN"):
            if not message.id or not message.string or message.fuzzy:
                continue
            known = merged.get(message.id, message.context)
            if known is None:
                merged.add(message.id, message.string, context=message.context)
                origin[merged._key_for(message.id, message.context)] = name
            elif known.string != message.string:
                first = origin[merged._key_for(message.id, message.context)]
                raise ConfigError(
                    f"Two translations of {message.id!r}: {known.string!r} in {first}, {message.string!r} in {name}."
                )
    result = BytesIO()
    write_mo(result, merged)
    return result.getvalue()
