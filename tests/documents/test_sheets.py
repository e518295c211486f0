"""What goes out as a table: no formula, right types, readable by Excel and WPS."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from openpyxl import load_workbook

from campaign.documents.sheets import Column, Show, csv_parts, write_csv, write_xlsx

EVIL = ['=HYPERLINK("http://x","y")', "+1+1", "-2+3", "@SUM(A1)", "＝1+1", "\t=1", " =1", "\r=1"]
HARMLESS = ["清河县妇联", "a=b", "", "3-5月", "'quoted"]
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


def read_xlsx(data):
    return load_workbook(io.BytesIO(data))


def read_csv(data):
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


@pytest.mark.parametrize("text", EVIL + HARMLESS)
def test_no_text_becomes_a_formula_in_xlsx(text):
    cell = read_xlsx(write_xlsx("t", ["name"], [[text]])).active["A2"]
    assert cell.data_type != "f"
    assert cell.hyperlink is None
    assert (cell.value or "").strip() == text.strip()


@pytest.mark.parametrize("text", EVIL)
def test_text_like_a_formula_is_marked_in_csv(text):
    assert read_csv(write_csv(["name"], [[text]]))[1][0].startswith("'")


@pytest.mark.parametrize("text", HARMLESS[:2] + HARMLESS[3:])
def test_other_text_stays_as_it_is_in_csv(text):
    assert read_csv(write_csv(["name"], [[text]]))[1] == [text]


def test_a_heading_can_be_no_formula_either():
    assert read_csv(write_csv(["=1+1"], []))[0] == ["'=1+1"]
    assert read_xlsx(write_xlsx("t", ["=1+1"], [])).active["A1"].data_type == "s"


def test_values_keep_their_types_and_formats():
    columns = ["count", "rate", "money", "day", "at", "code"]
    shown = [Column(columns[0]), Column(columns[1], show=Show.PERCENT), Column(columns[2], show=Show.MONEY),
             Column(columns[3]), Column(columns[4]), Column(columns[5], show=Show.TEXT)]  # fmt: skip
    row = [1200, Decimal("0.853"), Decimal("12345.6"), date(2026, 11, 22), NOON, 990101001001]
    late = [*row[:4], datetime(2026, 11, 20, 15, 59, 59, 999_999, tzinfo=UTC), row[5]]
    sheet = read_xlsx(write_xlsx("t", shown, [row, late], zone="Asia/Shanghai")).active
    cells = sheet[2]
    assert sheet["E3"].value.isoformat() == "2026-11-20T23:59:00", "the end of a day is not the beginning of the next"
    assert [cell.value for cell in cells[:3]] == [1200, 0.853, 12345.6]
    assert cells[1].number_format == "0.0%"
    thirds = [Column("share", show=Show.PERCENT), Column("rate", show=Show.NUMBER)]
    third = read_xlsx(write_xlsx("t", thirds, [[Decimal(1) / 3, Decimal(200) / 3]])).active[2]
    assert [cell.value for cell in third] == [0.333333, 66.6667], "a number without an end is still a number"
    assert cells[3].value.isoformat() == "2026-11-22T00:00:00"
    assert cells[4].value.isoformat() == "2026-11-20T12:00:00"
    assert cells[5].value == "990101001001"
    assert sheet.freeze_panes == "A2"
    assert read_csv(write_csv(shown, [row], zone="Asia/Shanghai"))[1] == [
        "1200", "85.3%", "12345.60", "2026-11-22", "2026-11-20 12:00", "990101001001",
    ]  # fmt: skip


def test_absent_is_empty_and_zero_is_zero():
    row = read_xlsx(write_xlsx("t", ["a", "b"], [[None, 0]])).active[2]
    assert [cell.value for cell in row] == [None, 0]
    assert read_csv(write_csv(["a", "b"], [[None, 0]]))[1] == ["", "0"]


def test_a_number_too_long_for_a_spreadsheet_goes_out_as_text():
    assert read_xlsx(write_xlsx("t", ["a"], [[123456789012345678]])).active["A2"].value == "123456789012345678"


def test_a_negative_number_is_a_number_not_a_formula():
    assert read_csv(write_csv(["a"], [[-3]]))[1] == ["-3"]


def test_an_instant_needs_a_zone():
    with pytest.raises(ValueError, match="zone"):
        write_csv(["at"], [[NOON]])


@pytest.mark.parametrize("title", ["a/b:c*d?[e]", "'" * 40, "", "History", "很" * 60])
def test_any_title_makes_a_sheet(title):
    assert 1 <= len(read_xlsx(write_xlsx(title, ["a"], [])).sheetnames[0]) <= 31


def test_csv_carries_the_mark_and_can_be_sent_in_parts():
    parts = list(csv_parts(["n"], ([n] for n in range(2500))))
    assert parts[0] == b"\xef\xbb\xbf"
    assert len(parts) == 4
    assert len(read_csv(b"".join(parts))) == 2501
