"""What a notice says outside the pages, in both languages side by side.

Mail is written by the clock, for readers of either language in the same run, where there is no request whose language
a catalogue could follow; two columns here are simpler than switching it for every letter, and neither can be forgotten.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from markupsafe import escape

CHINESE, ENGLISH = "zh_CN", "en"
Words = dict[str, str]

# For each tag: the title line, and what the reader should do.
TITLES: dict[str, Words] = {
    "assignment:dispatch:issue": {"zh_CN": "新任务待签收：{task}", "en": "New task to sign for: {task}"},
    "assignment:submission:submit": {"zh_CN": "待审核：{task}（{unit}）", "en": "To review: {task} ({unit})"},
    "assignment:review:pass-up": {"zh_CN": "待审核：{task}（{unit}）", "en": "To review: {task} ({unit})"},
    "assignment:review:approve": {"zh_CN": "审核通过：{task}（{unit}）", "en": "Approved: {task} ({unit})"},
    "assignment:review:return": {"zh_CN": "退回修改：{task}（{unit}）", "en": "Returned for changes: {task} ({unit})"},
    "assignment:issuer:reopen": {"zh_CN": "重新办理：{task}（{unit}）", "en": "Reopened: {task} ({unit})"},
    "assignment:issuer:cancel": {"zh_CN": "任务撤销：{task}（{unit}）", "en": "Cancelled: {task} ({unit})"},
    "assignment:clock:remind-sign-for": {"zh_CN": "请签收：{task}（{unit}）", "en": "Please sign for: {task} ({unit})"},
    "assignment:clock:remind": {"zh_CN": "即将到期：{task}（{unit}）", "en": "Due soon: {task} ({unit})"},
    "assignment:clock:escalate": {"zh_CN": "已逾期督办：{task}（{unit}）", "en": "Overdue: {task} ({unit})"},
}
ADVICE: dict[str, Words] = {
    "assignment:dispatch:issue": {
        "zh_CN": "请按期签收并办理。",
        "en": "Please sign for it and carry it out in time.",
    },
    "assignment:submission:submit": {
        "zh_CN": "该单位已报送，请审核。",
        "en": "The unit has submitted its report. Please review it.",
    },
    "assignment:review:pass-up": {
        "zh_CN": "下一级已审核通过，请审核。",
        "en": "The level below has approved it. Please review it.",
    },
    "assignment:review:approve": {
        "zh_CN": "报送的材料已审核通过，任务已办结。",
        "en": "The report was approved and the task is done.",
    },
    "assignment:review:return": {
        "zh_CN": "报送的材料被退回，请按审核意见修改后重新提交。",
        "en": "The report was returned. Please change what the reviewer names and submit it again.",
    },
    "assignment:issuer:reopen": {
        "zh_CN": "该任务已重新办理，请核对后再次提交。",
        "en": "The task was reopened. Please check it and submit again.",
    },
    "assignment:issuer:cancel": {
        "zh_CN": "该任务已由下达单位撤销，无需再办。",
        "en": "The issuing unit has cancelled the task. Nothing more is to be done.",
    },
    "assignment:clock:remind-sign-for": {
        "zh_CN": "签收期限临近，请及时签收。",
        "en": "The time to sign for it is nearly over.",
    },
    "assignment:clock:remind": {
        "zh_CN": "完成期限临近，请按期提交。",
        "en": "The due date is near. Please submit in time.",
    },
    "assignment:clock:escalate": {
        "zh_CN": "该任务已超过完成期限，现予督办，请跟进办理。",
        "en": "The due date has passed and the level above has been told. Please follow it up.",
    },
}
FACTS: dict[str, Words] = {
    "campaign": {"zh_CN": "活动", "en": "Campaign"},
    "unit": {"zh_CN": "单位", "en": "Unit"},
    "respond_by": {"zh_CN": "签收期限", "en": "Sign for by"},
    "due_at": {"zh_CN": "完成期限", "en": "Due"},
    "reason": {"zh_CN": "意见", "en": "In their words"},
    "who": {"zh_CN": "经手人", "en": "By"},
}
PHRASES: dict[str, Words] = {
    "many": {"zh_CN": "您有{n}条任务消息", "en": "{n} messages about your tasks"},
    "greeting": {"zh_CN": "{name}，您好：", "en": "Dear {name},"},
    "open": {"zh_CN": "打开办理", "en": "Open it here"},
    "several": {"zh_CN": "{n}个单位", "en": "{n} units"},
    "footer": {
        "zh_CN": "本邮件由系统自动发出，请在系统中办理，不必回复。",
        "en": "This mail was sent by the system. Please act there; replies are not read.",
    },
    "separator": {"zh_CN": "：", "en": ": "},
}
PERSONAL = (
    "assignment:review:return",
    "assignment:issuer:reopen",
    "assignment:issuer:cancel",
)  # these name who, and why
WEEKDAYS = {"zh_CN": "一二三四五六日", "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


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
    """One letter for all these notices. `zone`: the organisation's; `address`: where the pages are reached."""
    language = locale if locale in (CHINESE, ENGLISH) else CHINESE
    parts = [(title(item, language), *_facts(item, language, zone), address + item.path) for item in items]
    say = {key: words[language] for key, words in PHRASES.items()}
    subject = parts[0][0] if len(items) == 1 else say["many"].format(n=len(items))
    greeting = say["greeting"].format(name=name)
    text = [greeting, ""]
    html = [f"<p>{escape(greeting)}</p>"]
    for heading, advice, facts, link in parts:
        lines = [f"{label}{say['separator']}{value}" for label, value in facts]
        text += [heading, advice, *lines, link, ""]
        rows = "".join(f"<br>{escape(line)}" for line in lines)
        html.append(f"<h3>{escape(heading)}</h3><p>{escape(advice)}{rows}</p>")
        html.append(f'<p><a href="{escape(link)}">{escape(say["open"])}</a></p>')
    text.append(say["footer"])
    html.append(f"<p><small>{escape(say['footer'])}</small></p>")
    page = f'<!doctype html><html lang="{language.replace("_", "-")}"><meta charset="utf-8"><body>'
    return Written(subject, "\n".join(text), page + "".join(html) + "</body></html>")


def title(item: Item, language: str) -> str:
    """The title line of one notice; a tag without words of its own gets the task's name."""
    pattern = TITLES.get(item.tag, {}).get(language, "{task}")
    unit = item.unit if item.units == 1 else PHRASES["several"][language].format(n=item.units)
    return pattern.format(task=item.task, unit=unit)


def day(moment: datetime, language: str, zone: str) -> str:
    """The day in the organisation's zone: 11月22日 周日, Sun 22 Nov."""
    local = moment.astimezone(ZoneInfo(zone))
    weekday = WEEKDAYS[language][local.weekday()]
    if language == CHINESE:
        return f"{local.month}月{local.day}日 周{weekday}"
    return f"{weekday} {local.day} {MONTHS[local.month - 1]}"


def _facts(item: Item, language: str, zone: str) -> tuple[str, list[tuple[str, str]]]:
    """The advice, and the labelled facts that are there."""
    unit = item.unit if item.units == 1 else PHRASES["several"][language].format(n=item.units)
    values = {"campaign": item.campaign, "unit": unit}
    if item.respond_by and item.tag in ("assignment:dispatch:issue", "assignment:clock:remind-sign-for"):
        values["respond_by"] = day(item.respond_by, language, zone)
    if item.due_at:
        values["due_at"] = day(item.due_at, language, zone)
    if item.tag in PERSONAL:
        values |= {"reason": " ".join(item.reason.split()), "who": item.who}
    facts = [(FACTS[key][language], value) for key, value in values.items() if value]
    return ADVICE.get(item.tag, {}).get(language, ""), facts
