"""Phrases of a plan that name a day: 今年年底, 三年内, 10月底前. They belong to the year of the document, whoever reads
them whenever. `KNOWN` is the list that docs/campaign-files.md gives and that an unknown phrase is answered with."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import Any

KNOWN = "今年年底 (year-end), 明年年底, 上半年 (mid-year), 一季度, 10月底, 6月30日, 2012年底, 三年内 (years: 3)"
BEST_EFFORT = ("努力", "力争", "争取")
BINDING = ("确保", "必须", "务必", "要", "须")
LEADING = (*BEST_EFFORT, *BINDING, "截至", "截止", "到", "于", "在", "用", "至")
TRAILING = ("以前", "之前", "前", "完成", "以内")
DIGITS = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10,
          "十一": 11, "十二": 12}  # fmt: skip
NUMBER = r"(\d{1,2}|" + "|".join(sorted(DIGITS, key=len, reverse=True)) + ")"
YEARS = {"": 0, "今年": 0, "本年": 0, "本年度": 0, "当年": 0, "明年": 1, "次年": 1, "后年": 2}
YEAR = "(今年|本年度|本年|当年|明年|次年|后年|" + r"(?:19|20)\d\d年" + ")?"
OPENING, CLOSING = r"[\[〔﹝((【]", r"[\]〕﹞))】]"  # of the year in a document number
ENGLISH = {"year-end": "年底", "year end": "年底", "end of the year": "年底", "end of year": "年底",
           "mid-year": "上半年", "half-year": "上半年"}  # fmt: skip


@dataclass(frozen=True)
class DocumentDate:
    """What a document tells of its own time: the year of its number, and the day on which the campaign begins."""

    number: str | None = None
    starts_on: date | None = None

    @property
    def year(self) -> int | None:
        """The year of the document: that of its number, else that in which the campaign begins."""
        found = re.search(OPENING + r"\s*((?:19|20)\d\d)\s*年?\s*" + CLOSING, self.number or "")
        found = found or re.search(r"(?<!\d)((?:19|20)\d\d)(?!\d)", self.number or "")
        return int(found[1]) if found else self.starts_on.year if self.starts_on else None


@dataclass(frozen=True)
class Phrase:
    """A phrase that was understood: the day in a year counted from that of the document, or so many years."""

    plus_years: int = 0
    year: int | None = None
    month: int = 12
    day: int | None = None
    within_years: int | None = None
    best_effort: bool = False

    def needs_year(self) -> bool:
        """Whether it means nothing without the year of the document."""
        return self.year is None

    def on(self, document: DocumentDate) -> date | None:
        """The day that is meant; None where the document tells no year, or for a day that no month has."""
        if self.within_years is not None:
            return within(self.within_years, document)
        base = document.year if self.year is None else self.year
        if base is None:
            return None
        year = base + self.plus_years
        last = monthrange(year, self.month)[1]
        if self.day is not None and self.day > last:
            return None
        return date(year, self.month, self.day or last)


def within(years: int, document: DocumentDate) -> date | None:
    """So many years from the day on which the campaign begins; where only the year of the document is known, the end of
    the last of so many years of which that is the first."""
    if document.starts_on is not None:
        year, month, day = document.starts_on.year + years, document.starts_on.month, document.starts_on.day
        return date(year, month, min(day, monthrange(year, month)[1]))
    return None if document.year is None else date(document.year + years - 1, 12, 31)


def read_phrase(text: str) -> Phrase | None:
    """The phrase as it is understood; None for one that is not."""
    words = "".join(text.split())
    words = ENGLISH.get(" ".join(text.lower().split()), words)
    best_effort = words.startswith(BEST_EFFORT)
    words = _bare(words)
    found = _of_year(words) or _of_month(words) or _within(words)
    if found is None:
        return None
    return Phrase(**{**found, "best_effort": best_effort})


def _bare(words: str) -> str:
    """Without what only says how, not when: 力争, 到, 前."""
    while (start := next((lead for lead in LEADING if words.startswith(lead) and words != lead), None)) is not None:
        words = words.removeprefix(start)
    while (end := next((tail for tail in TRAILING if words.endswith(tail)), None)) is not None:
        words = words.removesuffix(end)
    return words


def _of_year(words: str) -> dict[str, Any] | None:
    """年底, 上半年, 三季度 of some year."""
    match = re.fullmatch(YEAR + r"(?:(年底|年末|底|末|年内|内)|(上半年)|(下半年)|第?" + NUMBER + "季度[末底]?)?", words)
    if match is None or not words:
        return None
    name, end, first_half, second_half, quarter = match.groups()
    if not (end or first_half or second_half or quarter) or (end in ("底", "末", "内") and not name):
        return None
    quarter_number = _number(quarter) if quarter else 4
    if quarter_number > 4:
        return None
    month = 6 if first_half else 3 * quarter_number
    return {**_year(name), "month": month}


def _of_month(words: str) -> dict[str, Any] | None:
    """10月底, 十月, 6月30日 of some year."""
    match = re.fullmatch(YEAR + NUMBER + r"月(?:份)?(?:[底末]|(\d{1,2})[日号]|)", words)
    if match is None:
        return None
    name, month, day = match.groups()
    number = _number(month)
    if not 1 <= number <= 12 or (day is not None and not 1 <= int(day) <= 31):
        return None
    return {**_year(name), "month": number, "day": None if day is None else int(day)}


def _within(words: str) -> dict[str, Any] | None:
    match = re.fullmatch(NUMBER + r"(?:年|周年)(?:时间)?内?", words)
    years = _number(match[1]) if match else 0
    return {"within_years": years} if 1 <= years <= 20 else None


def _year(name: str | None) -> dict[str, Any]:
    if name and name[0].isdigit():
        return {"year": int(name[:4])}
    return {"plus_years": YEARS[name or ""]}


def _number(text: str) -> int:
    return int(text) if text.isdigit() else DIGITS[text]
