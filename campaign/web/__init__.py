"""DOOR: how a browser asks. Parse, ask or command, answer; no SQL, no rules.

`register_web` wires the door: closed by default, language, headers, error pages, blueprints.
"""

from flask import Blueprint, Flask
from flask_wtf.csrf import CSRFProtect

from . import (
    admin,
    admin_vacancies,
    archives,
    board_metrics,
    burden,
    cascade_panel,
    cascade_tree,
    comparison,
    dating,
    door,
    evidence,
    feed,
    in_charge,
    inbox,
    ladders,
    ledger,
    letters,
    metric_units,
    periods,
    preferences,
    questions,
    rechecks,
    registers,
    reporting,
    requests,
    review_many,
    stand_words,
    standing_in,
    system,
    tasks,
    units,
    urging,
)
from .access import register_access
from .errors import register_errors
from .filters import register_filters
from .language import register_language
from .reading import register_numbers, register_text
from .security import register_security
from .weight import register_weight

# One line for each module of pages. The endpoints that need no signed-in person are listed in `access.PUBLIC`.
BLUEPRINTS: tuple[Blueprint, ...] = (
    admin.bp,
    archives.bp,
    burden.bp,  # no pages: the words of the load meter
    board_metrics.bp,  # the pages of a board: one blueprint
    cascade_tree.bp,
    cascade_panel.bp,  # splitting, and the panel of it on the pages of assignments: one blueprint
    comparison.bp,
    dating.bp,
    door.bp,
    evidence.bp,
    feed.bp,
    in_charge.bp,
    inbox.bp,
    ladders.bp,
    ledger.bp,
    letters.bp,
    metric_units.bp,  # a metric, and its units by name: one blueprint
    periods.bp,
    preferences.bp,
    questions.bp,
    registers.bp,
    reporting.bp,  # an assignment is seen in `assignments` and reported on in `reporting`: one blueprint
    rechecks.bp,
    requests.bp,
    review_many.bp,  # the queue, one submission, what is done beside deciding, many at once: one blueprint
    stand_words.bp,  # no pages: the words for figures that templates use
    standing_in.bp,
    system.bp,
    admin_vacancies.bp,
    tasks.bp,  # campaigns, their dispatch and their tasks: one blueprint
    units.bp,
    urging.bp,
)


def register_web(app: Flask) -> None:
    """Adds everything a browser meets. The guard comes before the check of forms, so that strangers learn nothing."""
    app.config["WTF_CSRF_TIME_LIMIT"] = None  # a form lives as long as its session; a phone may be away for an hour
    register_numbers(app)
    register_weight(app)
    register_security(app)
    register_access(app)
    CSRFProtect(app)
    register_text(app)
    register_language(app)
    register_errors(app)
    register_filters(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
