"""What forms share: a day as people write it, and what is wrong with a form in the order in which the page shows it."""

import html
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import DateField
from wtforms.validators import Length

FORMS_OF_A_DAY = ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日"]  # the first is the one that is shown


class DayField(DateField):
    """A day. What is none gets a sentence that says how a day is written."""

    def __init__(self, label: Any = None, validators: Any = None, **options: Any) -> None:
        sentence = _l("Please write the day as 2026-11-20.")
        super().__init__(label, validators, format=FORMS_OF_A_DAY, invalid_value_message=sentence, **options)

    def process_formdata(self, valuelist: Any) -> None:
        """Blanks around a day are nobody's mistake."""
        super().process_formdata([text.strip() for text in valuelist])

    def _value(self) -> str:
        """What was read, as a browser's own field of days wants it; what could not be read, as it was typed."""
        return self.data.isoformat() if self.data else " ".join(self.raw_data or ())


def at_most(characters: int) -> Length:
    """A text is no longer than that, said in our words."""
    return Length(max=characters, message=_l("The text is too long: at most %(max)d characters."))


def day_in(text: str) -> date | None:
    """The day that is written there, None where nothing is. ValueError for what is no day."""
    for form in FORMS_OF_A_DAY if text else ():
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    if text:
        raise ValueError(text)
    return None


def by_place(errors: Mapping[str, Any], body: str) -> dict[str, Any]:
    """What is wrong, by the ids of the fields, in the order in which these stand in `body`, the form as it is drawn."""
    places = {field: body.find(f'id="{field}"') for field in errors}
    return {field: errors[field] for field in sorted(errors, key=lambda field: (places[field] < 0, places[field]))}


def label_in(field: str, body: str) -> str:
    """The words with which `body`, the form as it is drawn, labels the field of that id; '' where it has none."""
    found = re.search(rf'<label[^>]*\bfor="{re.escape(field)}"[^>]*>([^<]*)', body)
    return html.unescape(found[1]).strip() if found else ""
