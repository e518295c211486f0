"""Tables that come in: CSV in the encodings that offices use, and xlsx. Every row knows the line it stood on.

A CSV is read as a stream, so that a file with the villages of the whole country needs no more memory than a small one.
"""

import codecs
import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import PurePath
from typing import IO, Any

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError

from ..errors import Invalid, Problem, Sentence, say

MOST_BYTES = 200 * 1024 * 1024
MOST_SHEET_BYTES = 600 * 1024 * 1024  # an xlsx is a zip: a small file may unpack to a huge one
MOST_ROWS = 1_000_000
MOST_COLUMNS = 60
BLOCK = 1024 * 1024
EXACT = 10**15  # a spreadsheet keeps fifteen digits of a number
PROOF_OF_UTF8 = 8  # so many Chinese characters in a row that read as UTF-8 are no accident
BLANKS = " \t\r\n\xa0\u3000\ufeff"
ZIP_MARK = b"PK\x03\x04"
OLD_EXCEL_MARK = b"\xd0\xcf\x11\xe0"
ENCODINGS_BY_MARK = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one row as text, and its line in the file or on the sheet, counted from one."""

    line: int
    cells: tuple[str, ...]


@dataclass
class Table:
    """A table that came in. `source` names the file and the sheet; `rows` can be gone through once."""

    source: str
    headings: tuple[str, ...]
    rows: Iterator[Row] = field(repr=False)

    def at(self, line: int) -> str:
        """The place of a line, as an error names it: 'areas.csv:7', 'areas.xlsx[Sheet1]:7'."""
        return f"{self.source}:{line}"


def table_of(source: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table from what is already in memory; its lines are counted as if the headings were line one."""
    return Table(source, tuple(headings), (Row(line, tuple(cells)) for line, cells in enumerate(rows, 2)))


def read_table(stream: IO[bytes], filename: str) -> Table:
    """The table in a seekable CSV or xlsx stream. What the content is decides, not the end of the name.

    Raises `Invalid` when the file is empty, too large, damaged or in no known encoding; `rows` raises it likewise for
    what is found only while reading.
    """
    name = PurePath(filename.replace("\\", "/")).name[:120] or "file"
    size = stream.seek(0, io.SEEK_END)
    if size == 0:
        raise _unreadable(name, say("The file is empty."))
    if size > MOST_BYTES:
        limit = MOST_BYTES // 1024 // 1024
        raise _unreadable(name, say("The file is larger than %(limit)s MB.", limit=limit), status=413)
    stream.seek(0)
    start = stream.read(8)
    stream.seek(0)
    if start.startswith((ZIP_MARK, OLD_EXCEL_MARK)):
        return _read_sheet(stream, name)
    return _read_csv(stream, name, start)


def _unreadable(where: str, why: Sentence, status: int = 422) -> Invalid:
    return Invalid(say("The file cannot be read. Nothing was changed."), [Problem(where, why)], status)


def _table(source: str, rows: Iterator[Row]) -> Table:
    """Takes the first row as the headings; the others are made as wide as they are."""
    first = next(rows, None)
    if first is None:
        raise _unreadable(source, say("The file is empty."))
    if len(first.cells) > MOST_COLUMNS:
        raise _unreadable(source, say("The table has more than %(limit)s columns.", limit=MOST_COLUMNS))
    width = len(first.cells)
    return Table(source, first.cells, _same_width(source, rows, width))


def _same_width(source: str, rows: Iterator[Row], width: int) -> Iterator[Row]:
    for count, row in enumerate(rows, 1):
        if count > MOST_ROWS:
            raise _unreadable(source, say("The table has more than %(limit)s rows.", limit=MOST_ROWS))
        cells = row.cells
        if len(cells) == width:
            yield row
        elif len(cells) < width:
            yield Row(row.line, cells + ("",) * (width - len(cells)))
        elif any(cells[width:]):
            raise _unreadable(
                f"{source}:{row.line}",
                say("The row has more cells than the headings; perhaps a comma stands inside a name without quotes."),
            )
        else:
            yield Row(row.line, cells[:width])


def _plain(text: str) -> str:
    """The cell without blanks around it, and without the mark that our own CSV puts before formula-like text."""
    text = text.strip(BLANKS)
    return text[1:] if text[:1] == "'" and text[1:2] in "=+-@＝＋－＠" else text


# -- CSV -------------------------------------------------------------------------------------------------------------


def _read_csv(stream: IO[bytes], name: str, start: bytes) -> Table:
    encoding = _encoding(stream, name, start)
    return _table(name, _csv_rows(stream, name, encoding))


def _encoding(stream: IO[bytes], name: str, start: bytes) -> str:
    """A mark at the start decides; then strict UTF-8; then GB18030, in which Chinese offices' Excel saves CSV."""
    marked = next((encoding for mark, encoding in ENCODINGS_BY_MARK if start.startswith(mark)), None)
    fault, proof = _first_fault(stream, marked or "utf-8")
    if fault is None:
        return marked or "utf-8"
    if marked is None and proof < PROOF_OF_UTF8:
        fault_in_gb, _ = _first_fault(stream, "gb18030")
        if fault_in_gb is None:
            return "gb18030"
        fault = fault_in_gb
    raise _unreadable(
        f"{name}:{fault}",
        say("The encoding is neither UTF-8 nor GB18030. Please save the file as “CSV UTF-8” or as xlsx."),
    )


def _first_fault(stream: IO[bytes], encoding: str) -> tuple[int | None, int]:
    """The line of the first byte that does not fit, or None; and how many Chinese characters did fit before it."""
    decoder = codecs.getincrementaldecoder(encoding)()
    stream.seek(0)
    line, wide = 1, 0
    try:
        while block := stream.read(BLOCK):
            before = decoder.getstate()
            text = decoder.decode(block)
            line += text.count("\n")
            if wide < PROOF_OF_UTF8:
                wide += sum(sign > "\u2e7f" for sign in text[: BLOCK // 16])
        before, block = decoder.getstate(), b""
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        decoder.setstate(before)
        good = decoder.decode(block[: max(0, error.start - len(before[0]))])
        return line + good.count("\n"), wide + sum(sign > "\u2e7f" for sign in good)
    finally:
        stream.seek(0)
    return None, wide


def _csv_rows(stream: IO[bytes], name: str, encoding: str) -> Iterator[Row]:
    lines = io.TextIOWrapper(stream, encoding=encoding, newline="")
    try:
        first = lines.readline()
        lines.seek(0)
        reader = csv.reader(lines, delimiter=_delimiter(first), strict=True)
        line = 1
        try:
            for cells in reader:
                row = tuple([_plain(cell) for cell in cells])
                if any(row):
                    yield Row(line, row)
                line = reader.line_num + 1
        except csv.Error as error:
            raise _unreadable(
                f"{name}:{line}", say("This row is not proper CSV (%(error)s).", error=str(error))
            ) from error
    finally:
        with suppress(ValueError):  # the caller may have closed the stream before the last row was asked for
            lines.detach()


def _delimiter(first: str) -> str:
    """A comma, unless the headings are held apart by something else."""
    return max(",\t;，", key=first.count) if first.strip() else ","


# -- xlsx ------------------------------------------------------------------------------------------------------------


def _read_sheet(stream: IO[bytes], name: str) -> Table:
    _refuse_bomb(stream, name)
    try:
        book = CalamineWorkbook.from_filelike(stream)
        for title in book.sheet_names:
            sheet = book.get_sheet_by_name(title)
            if sheet.height:
                return _table(f"{name}[{title}]", _sheet_rows(sheet))
    except PasswordError as error:
        raise _unreadable(name, say("The file is protected by a password.")) from error
    except CalamineError as error:
        raise _unreadable(name, say("The file is damaged, or not an Excel file.")) from error
    raise _unreadable(name, say("The file is empty."))


def _refuse_bomb(stream: IO[bytes], name: str) -> None:
    """Refuses a zip that unpacks to more than any honest table."""
    if stream.read(4) == ZIP_MARK:
        try:
            with zipfile.ZipFile(stream) as packed:
                unpacked = sum(entry.file_size for entry in packed.infolist())
        except zipfile.BadZipFile as error:
            raise _unreadable(name, say("The file is damaged, or not an Excel file.")) from error
        if unpacked > MOST_SHEET_BYTES:
            raise _unreadable(name, say("The table is too large for xlsx; please send it as CSV."), status=413)
    stream.seek(0)


def _sheet_rows(sheet: CalamineSheet) -> Iterator[Row]:
    for line, cells in enumerate(sheet.iter_rows(), 1):
        row = [_cell_text(cell) for cell in cells]
        while row and not row[-1]:
            row.pop()
        if row:
            yield Row(line, tuple(row))


def _cell_text(cell: Any) -> str:
    """The cell as text: whole numbers without a point, days as 2026-11-20; a number that lost digits as 9.1E+17."""
    if isinstance(cell, str):
        return _plain(cell)
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        if cell != int(cell):
            return repr(cell)
        return str(int(cell)) if abs(cell) < EXACT else f"{cell:.5E}"
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == datetime.min.time() else cell.isoformat(" ", "minutes")
    return cell.isoformat() if isinstance(cell, date) else str(cell)
