"""Entries of the log as sentences: who did what. For timelines, and for the page that says what happened meanwhile."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from ..queries.timeline import Entry
from ..rules.organisation import SYSTEM_PERSON_ID, Role
from ..rules.states import ReturnReason
from .words import tag_words, word

# What is done to an assignment by hand, with its doer; everything else is told by the words of its tag.
DONE: dict[str, Any] = {
    "assignment:dispatch:issue": _l("%(who)s dispatched it"),
    "assignment:sign-for:acknowledge": _l("%(who)s signed for it"),
    "assignment:submission:submit": _l("%(who)s submitted version %(number)s"),
    "assignment:submission:withdraw": _l("%(who)s withdrew version %(number)s"),
    "assignment:review:pass-up": _l("%(who)s approved version %(number)s and passed it up"),
    "assignment:review:approve": _l("%(who)s approved version %(number)s; it is done"),
    "assignment:review:return": _l("%(who)s returned version %(number)s"),
    "assignment:review:pass-over": _l("%(who)s passed over a level where nobody can review"),
    "assignment:review:undo": _l("%(who)s took the decision on version %(number)s back"),
    "assignment:review:remark": _l("%(who)s wrote a remark"),
    "assignment:flag:decide": _l("%(who)s looked at a finding"),
    "assignment:recheck:result": _l("%(who)s re-checked it"),
    "assignment:unit:name-in-charge": _l("%(who)s named %(name)s as the person in charge"),
    "assignment:issuer:reopen": _l("%(who)s reopened it"),
    "assignment:issuer:cancel": _l("%(who)s cancelled it"),
    "assignment:issuer:extend": _l("%(who)s moved the due date"),
    "assignment:occasion:move": _l("%(who)s moved the day of “%(name)s”, and the dates with it"),
    "calendar:days:correct": _l("%(who)s corrected the working days, and the dates with them"),
    "assignment:cascade:split": _l("%(who)s split it among the units below"),
    "assignment:cascade:change": _l("%(who)s changed the split: version %(version)s"),
    "assignment:cascade:grant": _l("%(who)s granted a unit another target; the parts of the split are other ones now"),
    "assignment:cascade:follow": _l("Open again, it follows the targets that hold now"),
    "assignment:letter:generate": _l("%(who)s generated responsibility letter %(number)s"),
    "assignment:letter:sign": _l("%(who)s signed responsibility letter %(number)s"),
    "assignment:report:check-in": _l("%(who)s checked in"),
    "assignment:evidence:keep": _l("%(who)s uploaded %(name)s"),
    "assignment:dispatcher:urge": _l("%(who)s urged the unit"),
    "assignment:request:ask": _l("%(who)s made a request; the clock stands still"),
    "assignment:request:grant": _l("%(who)s granted more time"),
    "assignment:request:refuse": _l("%(who)s refused the request; days given back: %(days)s"),
    "assignment:request:withdraw": _l("%(who)s took the request back"),
    "assignment:request:consent": _l("%(who)s agreed to a date after their own"),
    "assignment:request:dispute": _l("%(who)s disputed the target or the date; the clock stands still"),
    "assignment:request:settle": _l("%(who)s settled the dispute"),
    "assignment:request:retract": _l("%(who)s took the dispute back"),
    "assignment:request:exempt": _l("%(who)s accepted that it does not apply"),
    "assignment:question:ask": _l("%(who)s asked a question; the clock stands still"),
    "assignment:question:answer": _l("%(who)s answered the question; days given back: %(days)s"),
    "assignment:question:withdraw": _l("%(who)s withdrew the question; days given back: %(days)s"),
}
# The same where the entry names the unit in whose place it was done.
IN_PLACE: dict[str, Any] = {
    "assignment:question:answer": _l(
        "%(who)s answered the question in place of %(in_place_of)s; days given back: %(days)s"
    ),
}
# The same, said to somebody who came too late.
TOO_LATE: dict[str, Any] = {
    "assignment:sign-for:acknowledge": _l("%(who)s signed for this at %(when)s; what you did had no effect"),
    "assignment:submission:submit": _l("%(who)s submitted a version at %(when)s; what you did had no effect"),
    "assignment:submission:withdraw": _l("%(who)s withdrew this at %(when)s; what you did had no effect"),
    "assignment:review:pass-up": _l("%(who)s approved this at %(when)s; what you did had no effect"),
    "assignment:review:approve": _l("%(who)s approved this at %(when)s; what you did had no effect"),
    "assignment:review:return": _l("%(who)s returned this at %(when)s; what you did had no effect"),
    "assignment:review:pass-over": _l("%(who)s moved this to the level above at %(when)s; what you did had no effect"),
    "assignment:review:undo": _l("%(who)s took a decision back at %(when)s; what you did had no effect"),
    "assignment:issuer:reopen": _l("%(who)s reopened this at %(when)s; what you did had no effect"),
    "assignment:issuer:cancel": _l("%(who)s cancelled this at %(when)s; what you did had no effect"),
    "assignment:issuer:extend": _l("%(who)s moved the due date at %(when)s; what you did had no effect"),
}
DOTS = {
    "assignment:review:return": "behind",
    "assignment:review:approve": "done",
    "assignment:review:pass-up": "done",
    "assignment:sign-for:acknowledge": "done",
    "assignment:dispatcher:urge": "behind",
    "assignment:question:ask": "due",
    "assignment:request:ask": "due",
    "assignment:request:grant": "done",
    "assignment:request:grant-by-rule": "done",
    "assignment:request:refuse": "behind",
    "assignment:request:dispute": "due",
    "assignment:request:settle": "done",
    "assignment:request:exempt": "done",
    "assignment:question:answer": "done",
    "assignment:clock:remind": "due",
    "assignment:clock:remind-sign-for": "due",
    "assignment:clock:escalate": "overdue",
    "assignment:clock:escalate-further": "overdue",
}


def who_did(entry: Entry, reader_id: int | None = None) -> str:
    """The doer as the reader knows them: you, the system, or a name with the unit acted for."""
    if entry.person_id == reader_id:
        return _("You")
    if entry.person_id == SYSTEM_PERSON_ID:
        return _("The system")
    name = acted(entry.person_name, entry.for_name)
    if entry.unit_name:
        return _("%(name)s (%(unit)s)", name=name, unit=entry.unit_name)
    return name


def doer(thing: Any) -> str:
    """Who did a thing that has a `person_name`, and a `for_name` where a stand-in did it."""
    return acted(thing.person_name, thing.for_name)


def acted(name: str, for_name: str | None) -> str:
    """Who acted, and for whom when the post is somebody else's."""
    return _("%(name)s for %(holder)s", name=name, holder=for_name) if for_name else name


def told(entry: Entry, reader_id: int | None = None) -> str:
    """The entry as a sentence."""
    if entry.tag not in DONE:
        return tag_words(entry.tag)
    places = {"number": "?", "name": "", "days": 0} | dict(entry.data) | {"who": who_did(entry, reader_id)}
    words = IN_PLACE.get(entry.tag) if entry.data.get("in_place_of") else None
    return str(words or DONE[entry.tag]) % places


def too_late(entry: Entry, when: str, reader_id: int | None = None) -> str:
    """The entry as the reason why the reader's own act had no effect."""
    if entry.tag not in TOO_LATE:
        return _("%(what)s; what you did had no effect", what=told(entry, reader_id))
    return str(TOO_LATE[entry.tag]) % {"who": who_did(entry, reader_id), "when": when}


def dot(entry: Entry) -> str:
    """The colour of its dot on a timeline, as a kind of light; '' for none."""
    return DOTS.get(entry.tag, "")


def beside(entry: Entry) -> list[str]:
    """What is worth saying beside the sentence: the reason, and for a batch its size and digest."""
    found = []
    code = str(entry.data.get("code", "")).upper()
    if code in ReturnReason.__members__:
        found.append(word(ReturnReason[code]))
    role = str(entry.data.get("role", "")).upper()
    if role in Role.__members__:
        found.append(word(Role[role]))
    if entry.reason:
        found.append(_("“%(words)s”", words=entry.reason))
    if entry.tag == "assignment:dispatch:issue":
        items = int(entry.data.get("items", 0))
        found.append(ngettext("one entry for %(num)s unit", "one entry for %(num)s units", items))
        found.append(_("digest %(digest)s", digest=str(entry.data.get("digest", ""))[:12]))
    return found
