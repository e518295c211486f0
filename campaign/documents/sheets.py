"""Tables that go out: xlsx and CSV, never a formula, whatever somebody typed into a name."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from itertools import islice
from zoneinfo import ZoneInfo

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

Cell = str | int | float | Decimal | date | datetime | bool | None

SHEET_ROWS = 1_048_575  # what Excel shows on one sheet below the heading
CELL_CHARACTERS = 32_767
EXACT_DIGITS = 15  # a longer number would be rounded by every spreadsheet, so it goes out as text
PLACES, FRACTION_PLACES = 4, 6  # as the database keeps a number; a percentage with as many is a hundredth of it
EXACT_PLACES = 10  # a fen in 亿元: so much is told as it is
FORMULA_SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
FLUSH_ROWS = 1_000


class Show(Enum):
    """How the values of a column are shown; None in `Column.show` means: by their type."""

    TEXT = "@"
    WHOLE = "#,##0"
    NUMBER = "#,##0.####"
    MONEY = "#,##0.00"
    PERCENT = "0.0%"
    DAY = "yyyy-mm-dd"
    MOMENT = "yyyy-mm-dd hh:mm"


@dataclass(frozen=True)
class Column:
    """A column: its heading, its width in characters, how its values are shown. PERCENT takes a fraction of one."""

    heading: str
    width: int = 16
    show: Show | None = None


def write_xlsx(title: str, columns: Sequence[Column | str], rows: Iterable[Sequence[Cell]], *, zone: str = "") -> bytes:
    """One workbook as bytes; the rows may be a generator and go on to further sheets after a million.

    `zone` is the time zone in which aware instants are shown; without it an aware instant is refused.
    """
    shown = [_column(column) for column in columns]
    target = io.BytesIO()
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "nan_inf_to_errors": True,
    }
    book = xlsxwriter.Workbook(target, options)
    heading = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bg_color": "#F1EFE9", "bottom": 1})
    formats = {show: book.add_format({"num_format": show.value, "valign": "top"}) for show in Show}
    rest = iter(rows)
    number = 1
    while True:
        sheet = book.add_worksheet(_sheet_name(title, number))
        _start_sheet(sheet, shown, heading)
        written = 0
        for row in islice(rest, SHEET_ROWS):
            written += 1
            for at, (column, value) in enumerate(zip(shown, row, strict=True)):
                _write_cell(sheet, written, at, value, column, formats, zone)
        if shown:
            sheet.autofilter(0, 0, written, len(shown) - 1)
        if written < SHEET_ROWS:
            break
        number += 1
    book.close()
    return target.getvalue()


def write_csv(columns: Sequence[Column | str], rows: Iterable[Sequence[Cell]], *, zone: str = "") -> bytes:
    """The same table as CSV in UTF-8 with the mark that Excel and WPS need; formula-like text gets a leading '."""
    return b"".join(csv_parts(columns, rows, zone=zone))


def csv_parts(columns: Sequence[Column | str], rows: Iterable[Sequence[Cell]], *, zone: str = "") -> Iterator[bytes]:
    """`write_csv` in parts, for an answer that is sent while it is written."""
    shown = [_column(column) for column in columns]
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([_harmless(column.heading) for column in shown])
    yield b"\xef\xbb\xbf"
    for count, row in enumerate(rows, 1):
        writer.writerow([_csv_text(value, column, zone) for column, value in zip(shown, row, strict=True)])
        if count % FLUSH_ROWS == 0:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _column(column: Column | str) -> Column:
    return column if isinstance(column, Column) else Column(str(column))


def _sheet_name(title: str, number: int) -> str:
    """What Excel accepts as the name of a sheet: 31 characters, none of []:*?/\\, no apostrophe at the ends."""
    clean = "".join(" " if sign in "[]:*?/\\" or not sign.isprintable() else sign for sign in title).strip(" '")
    tail = f" {number}" if number > 1 else ""
    return ((clean if clean.lower() != "history" else "") or "Table")[: 31 - len(tail)].rstrip(" '") + tail


def _start_sheet(sheet: Worksheet, columns: Sequence[Column], heading: Format) -> None:
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    sheet.set_landscape()
    sheet.set_paper(9)  # A4
    sheet.fit_to_pages(1, 0)
    for at, column in enumerate(columns):
        sheet.set_column(at, at, column.width)
        sheet.write_string(0, at, column.heading[:CELL_CHARACTERS], heading)


def _write_cell(
    sheet: Worksheet, row: int, at: int, value: Cell, column: Column, formats: dict[Show, Format], zone: str
) -> None:
    if value is None or value == "":
        return
    show = column.show or _show_by_type(value)
    if isinstance(value, Decimal) and show is not Show.TEXT and value.is_finite():
        value = round(value, FRACTION_PLACES) if show is Show.PERCENT else _ended(value)
    if isinstance(value, datetime):
        sheet.write_datetime(row, at, _local(value, zone), formats[Show.MOMENT if show is Show.TEXT else show])
    elif isinstance(value, date):
        sheet.write_datetime(row, at, datetime(value.year, value.month, value.day), formats[show])  # noqa: DTZ001
    elif isinstance(value, int | float | Decimal) and not isinstance(value, bool) and _fits(value, show):
        sheet.write_number(row, at, value, formats[show])
    else:
        sheet.write_string(row, at, _text(value)[:CELL_CHARACTERS], formats[Show.TEXT])


def _show_by_type(value: Cell) -> Show:
    if isinstance(value, datetime):
        return Show.MOMENT
    if isinstance(value, date):
        return Show.DAY
    if isinstance(value, int) and not isinstance(value, bool):
        return Show.WHOLE
    return Show.NUMBER if isinstance(value, float | Decimal) else Show.TEXT


def _fits(value: int | float | Decimal, show: Show) -> bool:
    if show is Show.TEXT:
        return False
    exact = Decimal(str(value))
    return exact.is_finite() and len(exact.normalize().as_tuple().digits) <= EXACT_DIGITS


def _local(moment: datetime, zone: str) -> datetime:
    """The wall-clock time there, to the minute that is shown: spreadsheets know no time zones, and would round the last
    moment of a day up to the next."""
    if moment.tzinfo is None:
        return moment.replace(second=0, microsecond=0)
    if not zone:
        raise ValueError("an instant is shown in a time zone: give `zone`")
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None, second=0, microsecond=0)


def _text(value: Cell) -> str:
    """The value as text, without signs that no cell can hold, and with line ends of one kind."""
    if isinstance(value, Decimal):
        text = f"{_ended(value):f}"  # zeros at the end say nothing
        return text.rstrip("0").rstrip(".") if "." in text else text
    return str(value).replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n")


def _ended(value: Decimal) -> Decimal:
    """A third has no end, a cell has; what has few enough places keeps all of them."""
    exponent = value.as_tuple().exponent
    return value if isinstance(exponent, int) and -exponent <= EXACT_PLACES else round(value, PLACES)


def _csv_text(value: Cell, column: Column, zone: str) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return _local(value, zone).strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        if column.show is Show.PERCENT:
            return f"{Decimal(str(value)) * 100:.1f}%"
        return f"{value:.2f}" if column.show is Show.MONEY else _text(value)
    return _harmless(_text(value))


def _harmless(text: str) -> str:
    """Text that a spreadsheet would take for a formula, made visible as text."""
    return f"'{text}" if text.lstrip("\t\n \xa0\u3000").startswith(FORMULA_SIGNS) else text
