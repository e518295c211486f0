"""The log has a grammar, source:subject:action, and a catalogue: what is not in it is not written."""

import ast
import re

from campaign.rules.events import CATALOGUE
from campaign.rules.ladder import DEFAULT, FURTHER, TAGS
from campaign.rules.transitions import TABLE

from .sources import PRODUCT, assert_none

TAG = re.compile(r"[a-z]+(-[a-z]+)*(:[a-z]+(-[a-z]+)*){2}")


def literal_tags() -> dict[str, str]:
    """Every tag written in the code outside the catalogue, and where."""
    return {
        node.value: module.at(node)
        for module in PRODUCT
        if module.name != "campaign.rules.events"
        for node in module.walk(ast.Constant)
        if isinstance(node.value, str) and TAG.fullmatch(node.value)
    }


def test_every_transition_is_in_the_catalogue():
    assert_none(row.tag for row in TABLE if row.tag not in CATALOGUE)


def test_every_rung_is_in_the_catalogue():
    every = {FURTHER, *(tag for pair in TAGS.values() for tag in pair), *(rung.tag for rung in DEFAULT.rungs)}
    assert_none(tag for tag in sorted(every) if tag not in CATALOGUE)


def test_every_tag_in_the_code_is_in_the_catalogue():
    assert_none(f"{where} {tag}" for tag, where in literal_tags().items() if tag not in CATALOGUE)


def test_every_entry_of_the_catalogue_is_written_somewhere():
    written = literal_tags()
    assert_none(tag for tag in CATALOGUE if tag not in written)


def test_tags_keep_the_grammar():
    assert_none(tag for tag in CATALOGUE if not TAG.fullmatch(tag) or len(tag) > 60)
