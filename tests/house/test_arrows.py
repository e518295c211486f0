"""Who may import whom: arrows point down or not at all."""

import sys

from .sources import EVERYTHING, PRODUCT, Import, Module, assert_none

GROUND = {"db", "clock", "errors", "config"}
BELOW = {"models", "rules", *GROUND}
SIDE = {"evidence", "documents", "notify"}
DOOR = {"operations", "queries", *SIDE, "models", "rules", *GROUND}

# What each room may import beside itself and what is not ours.
MAY = {
    "config": set(),
    "clock": {"rules"},  # which day it is in the organisation's time zone
    "errors": set(),
    "logs": set(),
    "db": {"errors", "plain", "connections"},
    "plain": set(),
    "connections": set(),
    "rules": {"errors"},
    "models": {"rules", "db", "clock"},
    "evidence": BELOW,
    "documents": BELOW,
    "notify": BELOW,
    "queries": BELOW | {"evidence", "documents"},  # a question tells nobody
    "operations": BELOW | SIDE,
    "web": DOOR,
    "api": DOOR,
    "demo": DOOR,
    "jobs": DOOR | {"campaign", "logs"},  # create_app, and how a process logs
    "migrations": {"db"},
}
TOP = {"campaign", "wsgi", "cli", "serve", "__main__"}  # wired together here; these may import every room
FLASK_AT_THE_DOOR = {"request", "session", "g", "current_user", "login_user", "logout_user", "flash"}
NETWORK = ("socket", "smtplib", "ssl", "urllib.request", "http.client", "http.server", "requests", "httpx")


def rooms_of(found: Import) -> set[str]:
    """The room that an import of ours leads to; empty for what is not ours."""
    parts = found.name.split(".")
    if parts[0] == "jobs":
        return {"jobs"}
    if parts[0] != "campaign":
        return set()
    known = {module.room for module in PRODUCT}
    return {parts[1]} if len(parts) > 1 and parts[1] in known else {"campaign"}


def breaches(rule) -> list[str]:
    """Where the rule, asked of each module and import, says what is wrong."""
    return [
        f"{module.where}:{found.line} {said}"
        for module in PRODUCT
        for found in module.imports
        if (said := rule(module, found))
    ]


def test_every_room_is_known():
    rooms = {module.room for module in PRODUCT}
    assert rooms <= set(MAY) | TOP, f"say in MAY what {rooms - set(MAY) - TOP} may import"


def test_arrows_point_down():
    def rule(module: Module, found: Import) -> str:
        if module.room in TOP:
            return ""
        wrong = rooms_of(found) - MAY[module.room] - {module.room}
        return f"{module.room} may not import {found.name}" if wrong else ""

    assert_none(breaches(rule))


def test_the_law_stands_on_the_standard_library():
    def rule(module: Module, found: Import) -> str:
        top = found.name.split(".")[0]
        if module.room not in ("rules", "errors", "clock", "config", "logs") or top in sys.stdlib_module_names | {
            "campaign"
        }:
            return ""
        if (module.name, top) == ("campaign.rules.recurrence", "dateutil"):
            return ""  # the days of a recurrence: decision 0015
        return f"{module.room} imports {found.name}"

    assert_none(breaches(rule))


def test_the_door_and_the_clock_speak_no_sql():
    def rule(module: Module, found: Import) -> str:
        if module.room not in ("web", "api", "jobs"):
            return ""
        if found.name.startswith("campaign.db.") and found.name.split(".")[-1] not in ("unit_of_work", "is_busy"):
            return f"takes {found.name}; only unit_of_work is for the door and the clock"
        sql = found.name.split(".")[0] == "sqlalchemy" and not found.name.startswith("sqlalchemy.exc.")
        return f"imports {found.name}" if sql else ""

    assert_none(breaches(rule))


def test_now_is_an_argument_below_the_door():
    def rule(module: Module, found: Import) -> str:
        below = module.room not in ("web", "api", "jobs", "demo") and module.room not in TOP
        return f"takes {found.name}" if below and found.name in ("campaign.clock.now", "campaign.clock") else ""

    assert_none(breaches(rule))


def test_only_the_door_knows_the_request():
    def rule(module: Module, found: Import) -> str:
        top, last = found.name.split(".")[0], found.name.split(".")[-1]
        if module.room in ("web", "api"):
            return ""
        away = top in ("flask_login", "flask_wtf", "wtforms") or (top == "flask" and last in FLASK_AT_THE_DOOR)
        return f"imports {found.name}" if away else ""

    assert_none(breaches(rule))


def test_only_the_scheduler_process_knows_apscheduler():
    def rule(module: Module, found: Import) -> str:
        return "" if module.where == "jobs/__main__.py" or not found.name.startswith("apscheduler") else found.name

    assert_none(breaches(rule))


def test_only_channels_and_the_store_reach_the_network():
    def rule(module: Module, found: Import) -> str:
        if module.name.startswith(("campaign.notify.channels", "campaign.evidence.store")):
            return ""
        return f"imports {found.name}" if any(f"{found.name}.".startswith(f"{name}.") for name in NETWORK) else ""

    assert_none(breaches(rule))


def test_no_import_hides_in_a_function():
    hidden = [
        f"{module.where}:{found.line} {found.name} in {found.function}"
        for module in EVERYTHING
        for found in module.imports
        if found.function and (module.where, found.function) != ("campaign/__init__.py", "create_app")
    ]
    assert_none(hidden)
