"""Tables as downloads: the same rows as xlsx or as CSV."""

from collections.abc import Iterable, Sequence

from flask import Response, current_app, stream_with_context

from ..documents.sheets import Cell, Column, csv_parts, write_xlsx

TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}


def table_answer(
    kind: str, filename: str, title: str, columns: Sequence[Column], rows: Iterable[Sequence[Cell]]
) -> Response:
    """The table as a file to keep; `filename` without its end."""
    zone = current_app.config["SETTINGS"].timezone
    if kind == "xlsx":
        answer = Response(write_xlsx(title, columns, rows, zone=zone), content_type=TYPES[kind])
    else:  # sent while it is written: a list of the whole country need not fit into memory
        answer = Response(stream_with_context(csv_parts(columns, rows, zone=zone)), content_type=TYPES[kind])
    answer.headers.set("Content-Disposition", "attachment", filename=f"{filename}.{kind}")
    return answer
