"""How the walk reads what boards show: the cells of tables on pages and in files, and what is like what."""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

HALF = Decimal("0.00005")  # what a file rounds away
LONGEST_NUMBER = 15  # of digits that a workbook keeps
TENTH = Decimal("0.05001")  # what a page rounds away of a percentage
ROUNDED = "≈"


@dataclass
class Tally:
    """How many figures were compared on which kind of page, and what differed."""

    compared: Counter[str] = field(default_factory=Counter)
    pages: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def same(self, where: str, what: str, shown: object, expected: object) -> None:
        """One figure."""
        self.compared[where.partition(" ")[0]] += 1
        if shown != expected:
            self.wrong.append(f"{where}: {what}: shown {shown!r}, counted {expected!r}")

    def near(self, where: str, what: str, shown: Decimal | None, expected: Decimal | None, by: Decimal = HALF) -> None:
        """One figure that a file or a page may round."""
        self.compared[where.partition(" ")[0]] += 1
        alike = shown is expected or (shown is not None and expected is not None and abs(shown - expected) <= by)
        if not alike:
            self.wrong.append(f"{where}: {what}: shown {shown}, counted {expected}")


def alike(text: str, cell: Any) -> bool:
    """Whether a cell of a workbook holds what the CSV says."""
    value = cell.value
    if value is None:
        return text == ""
    if isinstance(value, str):
        if decimal(text) is not None and len(text) <= LONGEST_NUMBER:
            return False  # a number must not go out as text
        return text.removeprefix("'") == value.removeprefix("'")
    if hasattr(value, "strftime"):
        return text == f"{value + timedelta(seconds=1):%Y-%m-%d %H:%M}"  # a workbook keeps fractions of days
    told = Decimal(str(value)) * (100 if "%" in cell.number_format else 1)
    shown = decimal(text.removesuffix("%"))
    return shown is not None and abs(shown - told) <= (TENTH if text.endswith("%") else Decimal("0.0001"))


def decimal(text: str) -> Decimal | None:
    """The number that a text begins and ends with; None for no number."""
    plain = text.replace(",", "").replace("%", "").replace("−", "-").strip().removeprefix("'")
    return Decimal(plain) if re.fullmatch(r"-?\d+(\.\d+)?", plain) else None


def shows(cell: str, title: str, exact: Decimal | None) -> bool:
    """Whether a cell of a page shows that number, `exact` as the file has it. A percentage may be rounded to a tenth;
    any other number that is rounded says so, and its title says the number itself."""
    text = cell.partition(" ")[0]
    shown = decimal(text.removeprefix(ROUNDED))
    if shown is None or exact is None:
        return shown is exact
    if not text.startswith(ROUNDED):
        return abs(shown - exact) <= (TENTH if text.endswith("%") else 0)
    last = Decimal(1).scaleb(int(shown.as_tuple().exponent))
    return abs(shown - exact) <= last / 2 and decimal(title.partition(" ")[0]) == exact


class Table(HTMLParser):
    """The rows of the tables with figures on a page: the words of each cell, and what its first part is titled."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.rows: list[list[str]] = []
        self.titles: list[list[str]] = []
        self.depth, self.cell = 0, False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.depth += "stands" in (dict(attrs).get("class") or "").split()
        elif tag == "tr" and self.depth:
            self.rows.append([])
            self.titles.append([])
        elif tag in ("th", "td") and self.depth and self.rows:
            self.rows[-1].append("")
            self.titles[-1].append("")
            self.cell = True
        elif self.cell and tag == "span":
            if not self.rows[-1][-1].strip():
                self.titles[-1][-1] = dict(attrs).get("title") or ""
            self.rows[-1][-1] += " "

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self.depth = 0
        elif tag in ("th", "td"):
            self.cell = False
            if self.depth and self.rows and self.rows[-1]:
                self.rows[-1][-1] = " ".join(self.rows[-1][-1].split())
        if not self.rows:
            return

    def handle_data(self, data: str) -> None:
        if self.cell and self.depth and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data
