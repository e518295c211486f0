"""What of an address and a form can be read at all: numbers that a column can hold, text without NUL, lines that end in
one sign.

SQLite and PostgreSQL answer the rest each in its own way; refused here, it is the same with both.
"""

from typing import Any

from flask import Flask, Request, abort, request
from werkzeug import routing
from werkzeug.datastructures import ImmutableMultiDict

HIGHEST = 2**63 - 1


class Parameters(ImmutableMultiDict[str, str]):
    """The fields of an address or a form. A number asked for with `type=int` that is out of range counts as none."""

    def get(self, key: str, default: Any = None, type: Any = None) -> Any:  # type: ignore[override]
        """The first value under that name."""
        found: Any = super().get(key, default, type)
        return default if type is int and found is not None and abs(found) > HIGHEST else found


class Asked(Request):
    """A request with such fields."""

    parameter_storage_class = Parameters

    def _load_form_data(self) -> None:
        """A browser counts the end of a line as one sign and sends two; what fits its field must fit here."""
        if "form" not in self.__dict__:
            super()._load_form_data()
            fields = self.form.items(multi=True)
            self.__dict__["form"] = Parameters((name, text.replace("\r\n", "\n")) for name, text in fields)


class IntegerConverter(routing.IntegerConverter):
    """`<int:id>` in an address: what no row can have as its number does not exist."""

    def to_python(self, value: str) -> int:
        """The number."""
        if len(value) > len(str(HIGHEST)):
            raise routing.ValidationError
        number: int = super().to_python(value)
        if number > HIGHEST:
            raise routing.ValidationError
        return number


def register_numbers(app: Flask) -> None:
    """Before the addresses are registered."""
    app.request_class = Asked
    app.url_map.converters["int"] = IntegerConverter


def register_text(app: Flask) -> None:
    """After the guard, so that the form of a stranger is not read."""

    @app.before_request
    def _refuse_nul() -> None:
        for fields in (request.args, request.form):
            if any("\x00" in text for name, texts in fields.lists() for text in (name, *texts)):
                abort(400)
