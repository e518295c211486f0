"""The pages of an archive: plain HTML that any browser opens from a folder, without style sheets or scripts from
outside. Words are in the language of who asked; the caller sets it (`force_locale`)."""

import json
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext
from markupsafe import escape

from ..errors import Sentence, say
from ..rules.requests import Decision, RequestKind
from ..rules.states import Action, CheckInKind, State

STYLE = (
    "body{font:16px/1.6 -apple-system,'PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif;color:#1f2328;"
    "max-width:60rem;margin:2rem auto;padding:0 1rem}table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}"
    "th,td{border:1px solid #d9dee3;padding:.35rem .6rem;text-align:left;vertical-align:top}"
    "h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}.muted{color:#59636e;font-size:.9rem}"
    ".words{white-space:pre-wrap}code{font-size:.8rem;word-break:break-all}"
)
INDEX = "index.html"
STATES = {
    State.ISSUED: say("Not signed for"), State.ACKNOWLEDGED: say("In progress"), State.SUBMITTED: say("In review"),
    State.RETURNED: say("Returned"), State.APPROVED: say("Approved"), State.CANCELLED: say("Cancelled"),
    State.DISPUTED: say("Disputed"), State.NOT_APPLICABLE: say("Not applicable"),
}  # fmt: skip
KINDS = {
    RequestKind.EXTENSION: say("More time"), RequestKind.DISPUTE: say("Another target or date"),
    RequestKind.NOT_APPLICABLE: say("Not applicable"),
}  # fmt: skip
DECISIONS = {
    Decision.PENDING: say("Waits for a decision"), Decision.GRANTED: say("Granted"), Decision.REFUSED: say("Refused"),
    Decision.WITHDRAWN: say("Taken back"), Decision.GRANTED_BY_RULE: say("Granted by rule"),
}  # fmt: skip
CHECK_INS = {
    CheckInKind.PROGRESS: say("Progress"), CheckInKind.OBSTACLE: say("Obstacle"), CheckInKind.HELP: say("Help needed"),
}  # fmt: skip


def words(sentence: Sentence, **values: Any) -> str:
    """A sentence in the language that is set."""
    text: str = gettext(sentence.text)
    places = dict(sentence.values) | values
    return text % places if places else text


def state_words(state: State) -> str:
    """The word of a state."""
    return words(STATES[State(state)])


def as_json(found: dict[str, Any]) -> str:
    """Plain values as JSON: instants in ISO 8601 UTC, decimals as text, members by name."""
    return json.dumps(found, ensure_ascii=False, indent=1, default=_plain, sort_keys=True) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    raise TypeError(type(value).__name__)


def page(title: str, body: str, lang: str) -> str:
    """A whole page."""
    return (
        f'<!doctype html><html lang="{escape(lang)}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><style>{STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1>{body}</body></html>\n"
    )


def head_of_index(title: str, made_at: datetime, zone: str, lang: str) -> str:
    """The beginning of the table of contents; its rows and `FOOT` follow."""
    about = words(say("Made on %(moment)s. What each file must be is written in manifest.json and SHA256SUMS."),
                  moment=local(made_at, zone))  # fmt: skip
    heads = (say("Number"), say("Unit"), say("Task"), say("State"), say("Due"), say("Submitted versions"))
    cells = "".join(f"<th>{escape(words(head))}</th>" for head in heads)
    whole = page(title, f'<p class="muted">{escape(about)}</p><table><tr>{cells}</tr>\0', lang)
    return whole.split("\0")[0]


FOOT = "</table></body></html>\n"


def folder_of_one(assignment_id: int) -> str:
    """Where an assignment lies in the archive."""
    return f"assignments/{assignment_id}"


def index_row(facts: dict[str, Any], versions: int, zone: str) -> str:
    """One assignment in the table of contents."""
    where = f"{folder_of_one(facts['id'])}/{INDEX}"
    cells = (facts["unit"], facts["task"], state_words(facts["state"]), local(facts["due_at"], zone)[:10], versions)
    return (
        f'<tr><td><a href="{where}">{facts["id"]}</a></td>'
        + "".join(f"<td>{escape(c)}</td>" for c in cells)
        + "</tr>\n"
    )


def local(moment: datetime | None, zone: str) -> str:
    """The instant in the organisation's time zone, to the minute; '' for none."""
    return "" if moment is None else f"{moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"


def assignment_page(piece: Any, names: dict[str, str], zone: str, lang: str) -> str:
    """One assignment with everything that was reported, asked and decided. `piece` is a `queries.archives.Piece`;
    `names`: where the file with a hash lies in the archive."""
    facts = piece.facts
    rows = [
        (say("Unit"), facts["unit"]), (say("Campaign"), f"{facts['campaign']} {facts['number'] or ''}"),
        (say("State"), state_words(facts["state"])), (say("Due"), local(facts["due_at"], zone)),
        (say("First due"), local(facts["first_due_at"], zone)), (say("Cut-off"), local(facts["cut_off_at"], zone)),
    ]  # fmt: skip
    body = f'<p><a href="../../{INDEX}">←</a></p>' + _table([(words(head), value) for head, value in rows if value])
    for version in piece.submissions:
        body += f"<h2>{escape(words(say('Version %(number)s'), number=version['number']))}</h2>"
        body += _by(version, zone) + _reported(version, names)
        body += f'<p class="muted">SHA-256 <code>{escape(version["digest"])}</code></p>'
        for review in version["reviews"]:
            done = words(say("Returned") if review["decision"] is Action.RETURN else say("Approved"))
            body += f"<p><b>{escape(done)}</b></p>{_by(review, zone)}{_words(review['words'])}"
    for note in piece.check_ins:
        body += f"<h2>{escape(words(CHECK_INS[note['kind']]))}</h2>{_by(note, zone)}{_reported(note, names)}"
    for asked in piece.questions:
        body += _part(words(say("The question")), asked, asked["words"], zone) + _words(asked["answer"])
    for asked in piece.requests:
        body += _part(words(KINDS[asked["kind"]]), asked, asked["reason"], zone)
        body += f"<p><b>{escape(words(DECISIONS[asked['decision']]))}</b></p>{_words(asked['words'])}"
    return page(facts["task"], body, lang)


def _part(heading: str, done: dict[str, Any], text: str, zone: str) -> str:
    return f"<h2>{escape(heading)}</h2>{_by(done, zone)}{_words(text)}"


def _words(text: str | None) -> str:
    return f"<p class='words'>{escape(text)}</p>" if text else ""


def _by(done: dict[str, Any], zone: str) -> str:
    who = done["person"] + (f" ({done['acted_for']})" if done["acted_for"] else "")
    return f'<p class="muted">{escape(who)} · {local(done["at"], zone)}</p>'


def _reported(report: dict[str, Any], names: dict[str, str]) -> str:
    figures = [(value["name"], figure_words(value)) for value in report["values"]]
    files = "".join(
        f'<li><a href="../../{escape(names.get(file["sha256"], ""))}">{escape(file["name"])}</a></li>'
        for file in report["files"]
    )
    return (_table(figures) if figures else "") + _words(report["words"]) + (f"<ul>{files}</ul>" if files else "")


def figure_words(value: dict[str, Any]) -> str:
    """A reported figure as it is read."""
    if value["denominator"] is not None:
        return f"{_plain(value['numerator'])} / {_plain(value['denominator'])}"
    if value["number"] is not None:
        return f"{_plain(value['number'])} {value['unit']}".strip()
    return value["text"] or ""


def _table(rows: Iterable[tuple[str, Any]]) -> str:
    cells = "".join(f"<tr><th>{escape(head)}</th><td>{escape(value)}</td></tr>" for head, value in rows)
    return f"<table>{cells}</table>"
