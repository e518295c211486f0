"""What a notice says outside the pages: one letter of plain text and simple HTML, in its reader's language.

The words stand in the same catalogue as those of the pages, so that no sentence is kept in two ways. The clock writes
for readers of both languages in one run, without a request; `force_locale` follows each reader in turn.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from flask_babel import force_locale, gettext
from markupsafe import escape

from ..errors import Sentence, say

CHINESE, ENGLISH = "zh_CN", "en"
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
WEEKDAYS_ZH = "一二三四五六日"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# For each tag that people are told of: the title line, and what the reader should do.
TITLES: dict[str, Sentence] = {
    "assignment:dispatch:issue": say("New task to sign for: %(task)s"),
    "assignment:submission:submit": say("To review: %(task)s (%(unit)s)"),
    "assignment:review:pass-up": say("To review: %(task)s (%(unit)s)"),
    "assignment:review:approve": say("Approved: %(task)s (%(unit)s)"),
    "assignment:review:return": say("Returned for changes: %(task)s (%(unit)s)"),
    "assignment:issuer:reopen": say("Reopened: %(task)s (%(unit)s)"),
    "assignment:issuer:cancel": say("Cancelled: %(task)s (%(unit)s)"),
    "assignment:dispatcher:urge": say("Urged: %(task)s (%(unit)s)"),
    "assignment:question:ask": say("A question to you: %(task)s (%(unit)s)"),
    "assignment:question:tell-above": say("A question waits for an answer: %(task)s (%(unit)s)"),
    "assignment:question:answer": say("Answered: %(task)s (%(unit)s)"),
    "assignment:clock:remind-sign-for": say("Please sign for: %(task)s (%(unit)s)"),
    "assignment:clock:remind": say("Due soon: %(task)s (%(unit)s)"),
    "assignment:clock:escalate": say("Overdue: %(task)s (%(unit)s)"),
    "assignment:clock:escalate-further": say("Still overdue: %(task)s (%(unit)s)"),
}
ADVICE: dict[str, Sentence] = {
    "assignment:dispatch:issue": say("Please sign for it and carry it out in time."),
    "assignment:submission:submit": say("The unit has submitted its report. Please review it."),
    "assignment:review:pass-up": say("The level below has approved it. Please review it."),
    "assignment:review:approve": say("The report was approved and the task is done."),
    "assignment:review:return": say("The report was returned. Please correct it and submit again."),
    "assignment:issuer:reopen": say("The task was reopened. Please check it and submit again."),
    "assignment:issuer:cancel": say("The issuing unit has cancelled the task. Nothing more is to be done."),
    "assignment:dispatcher:urge": say("The unit above asks you to see to it without delay."),
    "assignment:question:ask": say("The unit's clock stands still until you answer."),
    "assignment:question:tell-above": say("A unit below has not answered it for three working days."),
    "assignment:question:answer": say("The clock goes on; please look at the answer and at the dates."),
    "assignment:clock:remind-sign-for": say("The time to sign for it is nearly over."),
    "assignment:clock:remind": say("The due date is near. Please submit in time."),
    "assignment:clock:escalate": say("The due date has passed and the level above has been told. Please follow it up."),
    "assignment:clock:escalate-further": say("Three days after it was first told it is still open. Please see to it."),
}
FACTS: dict[str, Sentence] = {
    "campaign": say("Campaign: %(value)s"),
    "unit": say("Unit: %(value)s"),
    "respond_by": say("Sign for by: %(value)s"),
    "due_at": say("Due date: %(value)s"),
    "reason": say("In their words: %(value)s"),
    "who": say("By: %(value)s"),
}
MANY = say("%(n)s messages about your tasks")
UNITS = say("%(n)s units")
GREETING = say("Dear %(name)s,")
OPEN = say("Open it here")
FOOTER = say("This mail was sent by the system. Please act there; replies are not read.")
FOR_SIGNING = ("assignment:dispatch:issue", "assignment:clock:remind-sign-for")  # these name the date to sign for by
PERSONAL = (  # and these who and why
    "assignment:review:return",
    "assignment:issuer:reopen",
    "assignment:issuer:cancel",
    "assignment:dispatcher:urge",
    "assignment:question:ask",
    "assignment:question:answer",
    "assignment:question:tell-above",
)


@dataclass(frozen=True)
class Item:
    """One notice with what its reader needs. `units`: how many assignments it stands for; `path`: where to act."""

    tag: str
    task: str
    campaign: str
    path: str
    unit: str = ""
    units: int = 1
    respond_by: datetime | None = None
    due_at: datetime | None = None
    reason: str = ""
    who: str = ""


@dataclass(frozen=True)
class Written:
    """A letter's words."""

    subject: str
    text: str
    html: str


def write(items: list[Item], *, name: str, locale: str, zone: str, address: str) -> Written:
    """One letter for all these notices. `zone`: the organisation's; `address`: where the pages are reached.

    Needs the application's context, where the catalogue is.
    """
    language = locale if locale in (CHINESE, ENGLISH) else CHINESE
    with force_locale(language):
        greeting, footer, link_words = _put(GREETING, name=name), _put(FOOTER), _put(OPEN)
        text, html = [greeting, ""], [f"<p>{escape(greeting)}</p>"]
        for item in items:
            heading, lines, link = title(item), _lines(item, language, zone), address + item.path
            text += [heading, *lines, link, ""]
            html.append(f"<h3>{escape(heading)}</h3><p>{'<br>'.join(str(escape(line)) for line in lines)}</p>")
            html.append(f'<p><a href="{escape(link)}">{escape(link_words)}</a></p>')
        subject = title(items[0]) if len(items) == 1 else _put(MANY, n=len(items))
    html.append(f"<p><small>{escape(footer)}</small></p></body></html>")
    page = f'<!doctype html><html lang="{language.replace("_", "-")}"><meta charset="utf-8"><body>'
    return Written(subject, "\n".join([*text, footer, ""]), page + "".join(html))


def title(item: Item) -> str:
    """The title line of one notice, in the language in force; a tag without words of its own gets the task's name."""
    pattern = TITLES.get(item.tag)
    return _put(pattern, task=item.task, unit=_unit(item)) if pattern else item.task


def day(moment: datetime, language: str, zone: str) -> str:
    """The day in the organisation's zone: 11月22日 周日, Sun 22 Nov."""
    local = moment.astimezone(ZoneInfo(zone))
    if language == CHINESE:
        return f"{local.month}月{local.day}日 周{WEEKDAYS_ZH[local.weekday()]}"
    return f"{WEEKDAYS[local.weekday()]} {local.day} {MONTHS[local.month - 1]}"


def _lines(item: Item, language: str, zone: str) -> list[str]:
    """What to do, and the facts that are there, a line each."""
    values = {"campaign": item.campaign, "unit": _unit(item)}
    if item.respond_by and item.tag in FOR_SIGNING:
        values["respond_by"] = day(item.respond_by, language, zone)
    if item.due_at:
        values["due_at"] = day(item.due_at, language, zone)
    if item.tag in PERSONAL:
        values |= {"reason": " ".join(item.reason.split()), "who": item.who}
    advice = [_put(ADVICE[item.tag])] if item.tag in ADVICE else []
    return advice + [_put(FACTS[key], value=value) for key, value in values.items() if value]


def _unit(item: Item) -> str:
    return item.unit if item.units == 1 else _put(UNITS, n=item.units)


def _put(sentence: Sentence, **values: object) -> str:
    return str(gettext(sentence.text)) % values if values else str(gettext(sentence.text))
