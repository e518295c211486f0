"""make_archives: the ledgers that were asked for as one file, one after the other; what is old is swept."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from hashlib import file_digest
from io import BytesIO
from pathlib import Path
from typing import Any

from flask import Flask
from flask_babel import force_locale, gettext

from campaign import clock
from campaign.db import unit_of_work
from campaign.documents.archive_pages import (
    FOOT,
    INDEX,
    as_json,
    assignment_page,
    figure_words,
    folder_of_one,
    head_of_index,
    index_row,
    local,
)  # fmt: skip
from campaign.documents.archives import ArchiveWriter
from campaign.errors import Busy
from campaign.evidence.bare import bare_copy
from campaign.evidence.store import Damaged, Store
from campaign.models import Assignment
from campaign.operations.archives import Order, beat, claim, fail, finish, forget, name_of
from campaign.queries.archives import Piece, pieces, sealed, total

from .runner import Counts

AT_ONCE = 50  # assignments in one stretch: a beat, and nothing held longer in memory
TABLE, LOST = "submissions.csv", "lost.txt"
README = """This archive is readable without the product: open index.html.
To check it: sha256sum -c SHA256SUMS (every file but manifest.json and SHA256SUMS itself), or, where the product is
installed: flask --app wsgi archive verify FILE, which also follows the links of the log.
log/events.jsonl: one entry of the log per line; digest = SHA-256 of the former digest, a line break, and the entry
as JSON with sorted keys and no blanks.
"""
COPIES = """Photos, films and recordings are copies without what the camera wrote (when, where, with what).
So are documents with such photos inside. Hash and size of each original stand in evidence/originals.txt and in
manifest.json. Where that could not be taken out of a file, a line stands in its place (HASH-left-out.txt).
All other files are as they were sent.
"""
OWN = """Files of the unit's own are the originals; photos and films say when and where: hand this file on with care.
"""
LEFT_OUT = b"This file may say when and where it was captured, which could not be taken out: ask its unit for it.\n"


def make_archives(app: Flask, _slot: datetime, now: datetime, counts: Counts) -> None:
    """All that wait, each by itself: one that fails does not keep the others."""
    store: Store = app.extensions["evidence"]
    with unit_of_work():
        gone = forget(now=now)
    for name in gone:
        store.shelf.forget(name)
    while True:
        with unit_of_work():
            order = claim(now=clock.now())
        if order is None:
            return
        try:
            _make(app, order, store)
            counts.done += 1
        except Busy as error:  # the store is away, or the database: when its beat is old it is begun anew
            counts.fail(f"archive {order.id}", error)
            return
        except Exception as error:
            # Whatever it was stands on the page of the jobs, and the archive is not tried for ever.
            counts.fail(f"archive {order.id}", error)
            with unit_of_work():
                fail(order.id, f"{type(error).__name__}: {error}", now=clock.now())


def _make(app: Flask, order: Order, store: Store) -> None:
    """Writes a temporary file of this machine, and hands it to the evidence's home when it is whole: nobody ever finds
    half an archive. What a kill leaves goes with the other temporary files."""
    name = name_of(order.id)
    store.temporary.mkdir(mode=0o750, parents=True, exist_ok=True)
    half = store.temporary / f"{name}.part"
    try:
        done = _write_all(app, order, store, half)
        with half.open("rb") as stream:
            digest = file_digest(stream, "sha256").hexdigest()
        size = half.stat().st_size
        store.shelf.keep(name, half, beat=partial(_still_here, order.id, done, done))
    finally:
        half.unlink(missing_ok=True)
    with unit_of_work():
        finish(order.id, path=name, size=size, sha256=digest, now=clock.now())


def _write_all(app: Flask, order: Order, store: Store, half: Path) -> int:
    """How many assignments went in."""
    settings = app.config["SETTINGS"]
    locale = order.locale or settings.locale
    with force_locale(locale), ArchiveWriter(half) as writer:
        lang = "zh-CN" if locale.startswith("zh") else "en"
        made_at = clock.now()
        title = gettext("Ledger: %(name)s", name=order.name)
        writer.aside(INDEX).write(head_of_index(title, made_at, settings.timezone, lang).encode())
        writer.add("README.txt", README + (OWN if order.own else "") + COPIES)
        done = _fill(writer, order, store, settings.timezone, lang)
        writer.aside(INDEX).write(FOOT.encode())
        about = {"unit": order.unit_id, "task": order.task_id, "name": order.name, "made_at": made_at.isoformat()}
        writer.finish(about)
    return done


def _fill(writer: ArchiveWriter, order: Order, store: Store, zone: str, lang: str) -> int:
    of = Assignment.unit_id == order.unit_id if order.unit_id is not None else Assignment.task_id == order.task_id
    heads = ("assignment", "unit", "task", "version", "at", "by", "metric", "figure", "words")
    writer.add_line(TABLE, list(heads))
    after = done = 0
    while True:
        with unit_of_work():
            whole = total(of)
            beat(order.id, done, whole, now=clock.now())
            found = pieces(of, after, AT_ONCE)
            events = sealed([piece.id for piece in found]) if found else []
        if not found:
            return done
        for event in events:
            writer.add_event(event.entry, event.seq, event.digest, event.former)
        for piece in found:
            still_here = partial(_still_here, order.id, done, whole)
            names = _files(writer, piece, store, order.unit_id if order.own else None, still_here)
            _write(writer, piece, names, zone, lang)
            done += 1
        after = found[-1].id


def _still_here(archive_id: int, done: int, whole: int) -> None:
    with unit_of_work():
        beat(archive_id, done, whole, now=clock.now())


def _files(
    writer: ArchiveWriter, piece: Piece, store: Store, own: int | None, still_here: Callable[[], None]
) -> dict[str, str]:
    """The files of one assignment; where the one with a hash lies. `own`: the unit whose files go in as they are;
    captured time and place are for its officers and direct reviewers, so all others go in without them."""
    names: dict[str, str] = {}
    for file in piece.evidence:
        digest = file["sha256"]
        try:
            if own is None or file["by_unit"] != own:
                names[digest] = _bare(writer, file, store)
            else:
                names[digest] = name = _name(file)
                if not writer.add_once(name):
                    continue
                with store.open(digest) as stream:
                    writer.add_stream(name, stream, file["media_type"])
        except Damaged:
            names.setdefault(digest, _name(file))
            writer.aside(LOST).write(f"{digest} {file['name']}\n".encode())
        still_here()
    return names


def _name(file: dict[str, Any], mark: str = "", ending: str = "") -> str:
    """Where a file lies in the archive."""
    ending = ending or Path(file["name"]).suffix.lower()[:10]
    return f"evidence/{file['sha256']}{mark}{ending if ending[1:].isalnum() else ''}"


def _bare(writer: ArchiveWriter, file: dict[str, Any], store: Store) -> str:
    """The member that stands for a file: itself where it says nothing, a copy, or a line why there is none."""
    if writer.known_as(file["sha256"]):
        return writer.known_as(file["sha256"])
    made = bare_copy(store, file["sha256"], file["media_type"])
    if made is not None and made.same:
        name = _name(file)
        if writer.add_once(name):
            writer.add_stream(name, BytesIO(made.data), file["media_type"])
    else:
        name = _name(file, "-copy", made.ending) if made else _name(file, "-left-out", ".txt")
        data, media_type = (made.data, made.media_type) if made else (LEFT_OUT, "text/plain")
        if writer.add_once(name):
            writer.add_copy(name, data, media_type, sha256=file["sha256"], size=file["size"])
    writer.know_as(file["sha256"], name)
    return name


def _write(writer: ArchiveWriter, piece: Piece, names: dict[str, str], zone: str, lang: str) -> None:
    """One assignment: its page, its values, its rows in the tables."""
    folder = folder_of_one(piece.id)
    writer.add(f"{folder}/{INDEX}", assignment_page(piece, names, zone, lang))
    writer.add(f"{folder}/assignment.json", as_json(vars(piece)))
    writer.aside(INDEX).write(index_row(piece.facts, len(piece.submissions), zone).encode())
    for version in piece.submissions:
        about = [piece.id, piece.facts["unit"], piece.facts["task"], version["number"], local(version["at"], zone),
                 version["person"]]  # fmt: skip
        for value in version["values"] or [{}]:
            figure = figure_words(value) if value else ""
            writer.add_line(TABLE, [*about, value.get("name", ""), figure, version["words"]])
