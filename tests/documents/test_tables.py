"""What comes in as a table: every encoding of an office, every line under its number, nothing guessed."""

import io
import zipfile

import pytest
import xlsxwriter

from campaign.documents.sheets import write_csv, write_xlsx
from campaign.documents.tables import MOST_COLUMNS, read_table, table_of
from campaign.errors import Invalid

TEXT = "编码,名称\n990100000000,云川市\n990101000000,清河县\n"


def read(data, filename="areas.csv"):
    table = read_table(io.BytesIO(data if isinstance(data, bytes) else data.encode()), filename)
    return table, [(row.line, row.cells) for row in table.rows]


def refusal(data, filename="areas.csv"):
    with pytest.raises(Invalid) as caught:
        read(data, filename)
    (problem,) = caught.value.problems
    return problem.where, str(problem.sentence)


def sheet(rows, title="名册", start=0):
    target = io.BytesIO()
    book = xlsxwriter.Workbook(target)
    book.add_worksheet("空")
    page = book.add_worksheet(title)
    for at, row in enumerate(rows, start):
        page.write_row(at, 0, row)
    book.close()
    return target.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_every_encoding_of_an_office_is_read(encoding):
    table, rows = read(TEXT.encode(encoding))
    assert table.headings == ("编码", "名称")
    assert rows == [(2, ("990100000000", "云川市")), (3, ("990101000000", "清河县"))]


def test_rare_characters_survive_gb18030():
    assert read("名称\n㛃䶮村𠮷\n".encode("gb18030"))[1] == [(2, ("㛃䶮村𠮷",))]


def test_a_byte_that_fits_nowhere_is_named_with_its_line():
    where, words = refusal("名称\n云川市\n".encode("gb18030") + b"\xff\xff\n")
    assert where == "areas.csv:3"
    assert "UTF-8" in words


def test_broken_utf8_is_not_taken_for_gb18030():
    good = "名称\n云川市清河县柳林镇东村\n".encode()
    assert refusal(good + b"\xe6\x9d,x\n" + good)[0] == "areas.csv:3"


def test_a_file_cut_within_a_character_is_refused():
    assert refusal("名称\n云川市清河县柳林镇东村".encode()[:-1])[0] == "areas.csv:2"


@pytest.mark.parametrize("sign", [",", "\t", ";"])
def test_the_sign_between_cells_is_found(sign):
    assert read(f"a{sign}b\n1{sign}2\n")[1] == [(2, ("1", "2"))]


def test_lines_are_counted_as_an_editor_does():
    rows = read('a,b\r\n\r\n"two\nlines",x\r\n,\r\nlast,y')[1]
    assert [line for line, _ in rows] == [3, 6]


def test_blanks_and_our_own_mark_are_taken_away():
    assert read("a\n\u3000 x\xa0\n")[1] == [(2, ("x",))]
    assert read(write_csv(["a"], [["=1+1"], ["'quoted"]]))[1] == [(2, ("=1+1",)), (3, ("'quoted",))]


def test_short_rows_are_filled_and_long_ones_refused():
    assert read("a,b\n1\n2,3,\n")[1] == [(2, ("1", "")), (3, ("2", "3"))]
    assert refusal("a,b\n1,2,3\n")[0] == "areas.csv:2"


def test_a_quote_without_an_end_is_refused():
    assert refusal('a,b\n1,"2\n3,4\n')[0] == "areas.csv:2"


@pytest.mark.parametrize("data", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(data):
    assert "empty" in refusal(data)[1]


def test_too_many_columns_are_refused():
    assert "columns" in refusal(",".join("x" * (MOST_COLUMNS + 1)))[1]


def test_xlsx_gives_the_same_and_names_the_sheet():
    rows = [["编码", "名称", "启用"], [990100000000, "云川市", 3.5], ["990101000000", "清河县", True]]
    table, read_rows = read(sheet(rows), "areas.xlsx")
    assert table.headings == ("编码", "名称", "启用")
    assert table.at(2) == "areas.xlsx[名册]:2"
    assert read_rows == [(2, ("990100000000", "云川市", "3.5")), (3, ("990101000000", "清河县", "true"))]


def test_lines_of_a_sheet_count_from_its_top():
    assert [line for line, _ in read(sheet([["a"], ["b"], [""], ["c"]], start=2), "x.xlsx")[1]] == [4, 6]


def test_a_number_that_lost_digits_shows_it():
    assert read(sheet([["a"], [913301001234567890]]), "x.xlsx")[1] == [(2, ("9.13301E+17",))]


def test_what_we_write_we_read():
    data = write_xlsx("t", ["code", "name"], [["990100000000", "=HYPERLINK(1)"]])
    assert read(data, "x.xlsx")[1] == [(2, ("990100000000", "=HYPERLINK(1)"))]


def test_content_decides_not_the_name():
    assert read(sheet([["a"], ["b"]]), "areas.csv")[1] == [(2, ("b",))]


def packed(**files):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target.getvalue()


@pytest.mark.parametrize("data", [b"PK\x03\x04 nonsense", packed(other=b"x"), b"\xd0\xcf\x11\xe0" * 20])
def test_a_damaged_workbook_is_refused(data):
    assert "damaged" in refusal(data, "x.xlsx")[1]


def test_a_zip_that_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr("campaign.documents.tables.MOST_SHEET_BYTES", 1000)
    with pytest.raises(Invalid) as caught:
        read(packed(sheet=b"0" * 1001), "x.xlsx")
    assert caught.value.status == 413


def test_path_parts_of_a_name_are_dropped():
    assert read("a\nb\n", "C:\\x\\..\\名册.csv")[0].source == "名册.csv"


def test_a_table_from_memory_counts_its_lines_too():
    assert [row.line for row in table_of("demo", ["a"], [["x"], ["y"]]).rows] == [2, 3]
