"""The evidence on a form: what each rule asks, what is there, what counts and what does not, and what is lacking."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _

from ..queries.assignments import Whole
from ..queries.attached import File, Rule
from ..rules.media import is_photo
from ..rules.metrics import Value
from ..rules.requirements import Given, Needs, fits, shortfall, when_given
from ..rules.windows import When


@dataclass(frozen=True)
class EvidenceBox:
    """One kind of evidence on the form, or what belongs to none (`rule` is None): its files, how many are missing.

    `doubts`: by file, why it does not count; `hints`: by file, what a reviewer will ask, though it counts.
    """

    rule: Rule | None
    id: str
    files: tuple[File, ...]
    short: int = 0
    errors: tuple[str, ...] = ()
    doubts: Mapping[int, str] = field(default_factory=dict)
    hints: Mapping[int, str] = field(default_factory=dict)
    waits: bool = False  # it proves an item that is not ticked yet


def boxes(
    chosen: Mapping[str, int | None], values: Mapping[int, Value], whole: Whole, errors: Mapping[str, tuple[str, ...]]
) -> tuple[EvidenceBox, ...]:
    """The rules in their order, and what serves none; `chosen`: evidence ids with the rule each serves."""
    named = {int(evidence): rule for evidence, rule in chosen.items()}
    known, needs = {rule.id for rule in whole.rules}, whole.needs
    every = given(chosen, whole)
    made = []
    for rule in whole.rules:
        files = tuple(file for file in whole.files if file.id in named and named[file.id] == rule.id)
        lack = shortfall(needs, rule.need, values, every)
        asked = shortfall(needs, rule.need, values, ())
        made.append(
            EvidenceBox(
                rule, f"evidence-{rule.id}", files, lack, errors.get(f"evidence-{rule.id}", ()),
                {file.id: text for file in files if (text := doubt(rule, file, needs))},
                {file.id: text for file in files if (text := hint(rule, file, needs))},
                waits=rule.item is not None and not asked,
            )
        )  # fmt: skip
    loose = tuple(file for file in whole.files if file.id in named and named[file.id] not in known)
    return (*made, EvidenceBox(None, "evidence-0", loose, errors=errors.get("evidence-0", ())))


def given(chosen: Mapping[str, int | None], whole: Whole) -> list[Given]:
    """The files as the law asks about them."""
    files = {file.id: file for file in whole.files}
    return [_given(files[int(key)], rule) for key, rule in chosen.items() if int(key) in files]


def doubt(rule: Rule | None, file: File, needs: Needs) -> str:
    """Why the file does not count for that rule; empty when it does."""
    if rule is None:
        return ""
    if not fits(rule.kind, file.media_type):
        if is_photo(file.media_type):
            return _("A photo does not count here. Please add a document, such as a PDF.")
        return _("Only a photo counts here.")
    if when_given(rule.need, _given(file, rule.id), needs.begins) is When.BEFORE:
        return _("Captured before this task began: it does not count here.")
    return ""


def hint(rule: Rule | None, file: File, needs: Needs) -> str:
    """What the reviewer will be told of a file that counts."""
    if rule is None:
        return ""
    when = when_given(rule.need, _given(file, rule.id), needs.begins)
    if when is When.UNKNOWN:
        return _("It does not say when it was captured; the reviewer will see that.")
    if when is When.AHEAD:
        return _("Its time of capture lies ahead of today; the reviewer will see that.")
    return ""


def unshown() -> str:
    """What the page says of a photo with too many points to be shown."""
    return _("This photo is too large for a preview. Save the original to look at it.")


def said_of(rule_id: int | None, file: File, whole: Whole) -> dict[str, Any]:
    """The same for a script that has just sent the file."""
    rule = next((rule for rule in whole.rules if rule.id == rule_id), None)
    why = doubt(rule, file, whole.needs)
    return {
        "counts": not why,
        "said": why or hint(rule, file, whole.needs),
        "unshown": unshown() if file.is_large else "",
    }


def _given(file: File, rule_id: int | None) -> Given:
    return Given(rule_id, file.media_type, file.taken_at, file.at)
