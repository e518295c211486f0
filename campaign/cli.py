"""The commands: `flask --app wsgi …` and `python -m campaign …`. Stands above all rooms, like create_app.

Exit 0: done. 1: refused, with the reason. 2: wrong usage.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, OperationalError

from . import clock
from .config import Settings
from .db import db, is_busy, unit_of_work
from .demo.load import PASSWORD, Account, accounts, holds_demo, load_demo
from .documents.archives import faults
from .documents.plans import read_plan
from .documents.tables import read_table
from .errors import CampaignError, Invalid
from .evidence.anchor import read_heads
from .evidence.homes import home_at
from .evidence.moving import move_all
from .models import Campaign, Task
from .models.ladders import EVERYBODYS
from .operations.areas import import_areas
from .operations.backing_up import back_up, restore
from .operations.calendars import Wish, correct, preview_correction, wish_of_table, wish_of_the_project
from .operations.figure_checks import figure_gaps, rebuild_figures, wrong_contributions
from .operations.folding import differences, rebuild
from .operations.issuing import issue
from .operations.people import create_first_administrator
from .operations.people_import import import_people
from .operations.periods import send
from .operations.planning import create_campaign
from .operations.sealing import seal
from .queries.chain import verify_chain
from .queries.checking import (
    CHECKS,
    Breach,
    evidence_is_what_it_was,
    milestones_are_in_force,
    no_file_is_without_a_row,
)
from .queries.evidence_checks import archives_lie_there, uploads_are_swept, versions_name_their_own_evidence
from .rules.organisation import SYSTEM
from .rules.plans import CampaignStatus
from .web.language import speak

Progress = Callable[[str, int, int], None]
NOT_MIGRATED = ("no such table", "no such column", "does not exist\nLINE")  # as the two databases say it


def register_commands(app: Flask) -> None:
    """Adds the commands to the application's command line."""
    for command in (areas, people, campaign, admin, calendar, demo, log, evidence, archive):
        app.cli.add_command(command)
    for alone in (check, rebuild_rollups, backup, restore_backup):
        app.cli.add_command(alone)


class Commands(AppGroup):
    """A group whose commands print a refusal as a sentence and leave with exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; a refusal is an answer, not a crash."""
        with _refusals():
            return super().invoke(ctx)


@contextmanager
def _refusals() -> Iterator[None]:
    """Prints a refusal as a sentence and leaves with exit code 1; a database that is away or not migrated refuses too.
    Whatever else goes wrong keeps its traceback."""
    try:
        yield
    except CampaignError as error:
        _print_refusal(error)
    except DBAPIError as error:
        text = str(error.orig)
        if any(sign in text for sign in NOT_MIGRATED):
            click.echo("The database lacks tables of this version. First: flask --app wsgi db upgrade", err=True)
        elif isinstance(error, OperationalError) and is_busy(error):
            click.echo(f"The database is away or busy. Nothing was changed.\n  {text.splitlines()[0]}", err=True)
        else:
            raise
    else:
        return
    sys.exit(1)


def _print_refusal(error: CampaignError) -> None:
    click.echo(speak(error.sentence), err=True)
    if isinstance(error, Invalid):
        for problem in error.problems:
            click.echo(f"  {problem.where}: {speak(problem.sentence)}", err=True)


class ProgressPrinter:
    """A bar on a terminal, a plain line per step otherwise."""

    def __init__(self) -> None:
        self.last = ""

    def __call__(self, step: str, done: int, of: int) -> None:
        """Shows how far a step is."""
        if sys.stderr.isatty():
            filled = "█" * (30 * done // of if of else 30)
            click.echo(f"\r{step:<20} {filled:<30} {done:,}/{of:,} ", nl=done >= of, err=True)
        elif step != self.last:
            click.echo(f"{step} …", err=True)
        self.last = step


areas = Commands("areas", help="Areas and their units.")
people = Commands("people", help="People and their posts.")
campaign = Commands("campaign", help="Campaigns.")
admin = Commands("admin", help="Administrators.")
calendar = Commands("calendar", help="Calendars of working days.")
demo = Commands("demo", help="The demonstration.")
log = Commands("log", help="The log.")
evidence = Commands("evidence", help="The evidence store.")
archive = Commands("archive", help="Archives of ledgers.")
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@areas.command("import")
@click.argument("file", type=FILE)
def areas_import(file: Path) -> None:
    """Imports areas and units from CSV or xlsx: all rows, or none."""
    with file.open("rb") as stream, unit_of_work():
        result = import_areas(read_table(stream, file.name), actor=SYSTEM, now=clock.now(), progress=ProgressPrinter())
    click.echo(f"areas added {result.added}, changed {result.changed}, units added {result.units}")


@people.command("import")
@click.argument("file", type=FILE)
def people_import(file: Path) -> None:
    """Imports people and posts from CSV or xlsx: all rows, or none. Prints first passwords, once, as CSV."""
    now = clock.now()
    with file.open("rb") as stream, unit_of_work():
        table = read_table(stream, file.name)
        today = clock.local_today(now)
        result = import_people(table, actor=SYSTEM, now=now, today=today, progress=ProgressPrinter())
    click.echo(f"added {result.added}, changed {result.changed}, posts {result.posts}, ended {result.ended}", err=True)
    for first in result.passwords:
        click.echo(f"{first.login},{first.name},{first.unit},{first.password}")


@campaign.command("load")
@click.argument("file", type=FILE)
def campaign_load(file: Path) -> None:
    """Loads a campaign from a plan file, as a draft."""
    with unit_of_work():
        campaign_id = create_campaign(read_plan(file), actor=SYSTEM, now=clock.now())
    click.echo(f"campaign {campaign_id}")


@campaign.command("dispatch")
@click.argument("campaign_id", type=int)
def campaign_dispatch(campaign_id: int) -> None:
    """Issues the campaign if it is a draft, and dispatches each of its tasks; again: only what is missing.

    Of a recurring task the series is begun; the clock opens its periods.
    """
    now = clock.now()
    found = db.session.execute(select(Campaign.status, Campaign.version).where(Campaign.id == campaign_id)).first()
    if found is None:
        click.echo("There is no such campaign.", err=True)
        sys.exit(1)
    if found.status is CampaignStatus.DRAFT:
        with unit_of_work():
            issue(campaign_id, actor=SYSTEM, now=now, seen=found.version)
    tasks = db.session.execute(
        select(Task.id, Task.title).where(Task.campaign_id == campaign_id).order_by(Task.position)
    ).all()
    for task_id, title in tasks:
        with unit_of_work():
            done = send(task_id, actor=SYSTEM, now=now, progress=ProgressPrinter())
        click.echo(f"{title}: {done.items}")


@admin.command("create")
@click.argument("login")
@click.option("--name", prompt=True, help="The person's name.")
@click.password_option(help="Asked for when not given.")
@click.option("--unit", "unit_id", type=int, help="The unit of the post; default: the highest.")
def admin_create(login: str, name: str, password: str, unit_id: int | None) -> None:
    """Creates the first administrator. No account exists by default."""
    with unit_of_work():
        create_first_administrator(login=login, name=name, password=password, now=clock.now(), unit_id=unit_id)
    click.echo(f"{login} can sign in now.")


@calendar.command("import")
@click.argument("file", type=FILE)
@click.option("--reason", required=True, help="Why; it stands in the log.")
@click.option("--known-until", type=click.DateTime(["%Y-%m-%d"]), help="The last day that the table completes.")
@click.option("--calendar", "calendar_id", type=int, default=EVERYBODYS, show_default=True, help="1: everybody's.")
def calendar_import(file: Path, reason: str, known_until: datetime | None, calendar_id: int) -> None:
    """Imports days from CSV or xlsx: all rows, or none. Moves the dates that follow from them."""
    with file.open("rb") as stream:
        wish = wish_of_table(read_table(stream, file.name), known_until.date() if known_until else None)
    _correct(calendar_id, wish, reason)


@calendar.command("seed")
def calendar_seed() -> None:
    """Takes over the published days that this version of the product brings; what was corrected by hand stays."""
    _correct(EVERYBODYS, wish_of_the_project(EVERYBODYS), "the published days that the product brings")


def _correct(calendar_id: int, wish: Wish, reason: str) -> None:
    with unit_of_work():
        found = preview_correction(calendar_id, wish, actor=SYSTEM)
        if not found.is_empty:
            done = correct(calendar_id, wish, actor=SYSTEM, now=clock.now(), seen=found.version, reason=reason)
            found = done or found
    moved = f"assignments moved {found.moves}, reviews moved {found.reviews}"
    click.echo(f"days changed {len(found.changes)}, known until {found.known_until}, {moved}")


@demo.command("load")
@click.option("--once", is_flag=True, help="Does nothing but print the accounts when it is there already.")
def demo_load(once: bool) -> None:
    """Loads the invented federation with the source campaigns. Refuses on a database that holds anything else."""
    known = accounts(PASSWORD) if once and holds_demo() else []
    if not known:
        click.echo("Loading the demonstration: once, about a minute …", err=True)
    found = known or load_demo(now=clock.now(), progress=ProgressPrinter())
    click.echo("\nDemonstration accounts:")
    for account in found:
        click.echo(f"  {_told(account)}")


def _told(account: Account) -> str:
    return f"{account.role.name.lower():<14} {account.login:<14} {account.password:<18} {account.name}  {account.posts}"


@log.command("verify")
@click.option("--anchor", type=click.Path(exists=True, file_okay=False, path_type=Path), help="The folder of heads.")
@click.option("--json", "as_json", is_flag=True)
def log_verify(anchor: Path | None, as_json: bool) -> None:
    """Verifies the whole chain of the log, against the heads outside the database where there are any."""
    settings: Settings = current_app.config["SETTINGS"]
    folder = anchor or (Path(settings.anchor_dir) if settings.anchor_dir else None)
    _seal_all()
    result = verify_chain(read_heads(folder) if folder else [])
    if as_json:
        click.echo(json.dumps(asdict(result)))
    else:
        click.echo(result.fault or f"All {result.links:,} entries hold.")
    sys.exit(0 if result.holds else 1)


def _seal_all() -> None:
    while True:
        with unit_of_work():
            if not seal():
                return


@click.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@with_appcontext
def backup(file: Path) -> None:
    """Writes everything into one file, while the product runs: tables as of one instant, and all evidence."""
    with _refusals():
        pieces = back_up(file, current_app.extensions["evidence"], now=clock.now(), progress=ProgressPrinter())
    click.echo(f"{file}: whole, with {pieces:,} pieces of evidence.")


@click.command("restore")
@click.argument("file", type=FILE)
@with_appcontext
def restore_backup(file: Path) -> None:
    """Puts a backup into an empty database, after it was found whole. Migrate first: db upgrade."""
    with _refusals(), unit_of_work():
        made_at = restore(file, current_app.extensions["evidence"], progress=ProgressPrinter())
    click.echo(f"Restored as of {made_at}.")


@archive.command("verify")
@click.argument("file", type=FILE)
def archive_verify(file: Path) -> None:
    """Verifies an archive of a ledger: each member against the manifest, and the links of its entries of the log."""
    found = list(faults(file))
    for fault in found:
        click.echo(fault, err=True)
    click.echo(f"{len(found):,} faults" if found else "the archive is as it was made")
    if found:
        sys.exit(1)


@evidence.command("move")
@click.argument("target")
def evidence_move(target: str) -> None:
    """Copies all evidence to TARGET, a folder or s3://bucket/prefix, and verifies it there. Removes nothing; safe to
    repeat and to break off."""
    there = home_at(current_app.config["SETTINGS"], target)
    there.begin()
    there.ready()
    moved = move_all(current_app.extensions["evidence"], there, progress=ProgressPrinter())
    for sha256 in moved.damaged:
        click.echo(f"{sha256} is damaged here and was not copied", err=True)
    click.echo(f"copied {moved.copied:,}, whole there already {moved.there:,}, damaged {len(moved.damaged):,}")
    url = target if "://" in target else Path(target).resolve()
    click.echo(f"Stop the product, run this once more, set CAMPAIGN_EVIDENCE_URL={url} and start it; then run check.")
    sys.exit(1 if moved.damaged else 0)


@click.command("check")
@click.option("--json", "as_json", is_flag=True)
@with_appcontext
def check(as_json: bool) -> None:
    """Recomputes every invariant of the data; exit 0, or 1 and the list of breaches."""
    with _refusals():
        breaches = find_breaches(current_app.extensions["evidence"])
    if as_json:
        click.echo(json.dumps([asdict(breach) for breach in breaches], ensure_ascii=False))
    else:
        for breach in breaches:
            click.echo(f"{breach.check}: {breach.subject} {breach.subject_id}: {breach.what}")
        click.echo("Everything holds." if not breaches else f"{len(breaches)} breaches.")
    sys.exit(1 if breaches else 0)


@click.command("rebuild")
@with_appcontext
def rebuild_rollups() -> None:
    """Brings tallies and figures to what the assignments say, and names what was not so."""
    now = clock.now()
    with _refusals(), unit_of_work():
        tallies = rebuild(now=now)
    with _refusals(), unit_of_work():
        figures = rebuild_figures(now=now)
    click.echo(f"put right: tallies {len(tallies)}, figures {len(figures)}")


def find_breaches(store: Any) -> list[Breach]:
    """All breaches that the checks of the product find, the chain of the log and the roll-ups included."""
    found = [breach for one in CHECKS for breach in one()]
    found += evidence_is_what_it_was(store)
    found += no_file_is_without_a_row(store, now=clock.now())
    found += milestones_are_in_force(now=clock.now())
    found += uploads_are_swept(store, now=clock.now())
    found += archives_lie_there(store, now=clock.now())
    found += versions_name_their_own_evidence()
    for gap in differences():
        what = f"area {gap.area_id}, {gap.state.name.lower()}: {gap.stored}, not {gap.counted}"
        found.append(Breach("roll-ups", "task", gap.task_id, what))
    for off in figure_gaps():
        where = f"area {off.area_id}, {off.line.name.lower()}, turn {off.period}, {off.standing.name.lower()}"
        found.append(Breach("figures", "metric", off.metric_id, f"{where}: too little by {off.off}"))
    for wrong in wrong_contributions():
        what = f"metric {wrong.metric_id}: counted as it was, and nothing is pending"
        found.append(Breach("figures", "assignment", wrong.assignment_id, what))
    chain = verify_chain()
    if not chain.holds:
        found.append(Breach("log", "link", chain.bad_seq or 0, chain.fault))
    return found
