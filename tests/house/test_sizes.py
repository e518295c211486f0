"""What can be read at one sitting, under a name that says what it is."""

import ast
import re

from .sources import EVERYTHING, FUNCTIONS, ROOT, assert_none

FILE_LINES = 400
FUNCTION_LINES = 60
DRAWERS = re.compile(r"^(utils?|helpers?|common|misc|stuff|tools)$")


def test_no_file_is_longer_than_a_sitting():
    pages = [*(ROOT / "templates").rglob("*.*"), *(ROOT / "static").glob("*.js"), *(ROOT / "tests").rglob("*.py")]
    texts = {module.where: module.text for module in EVERYTHING}
    texts |= {str(file.relative_to(ROOT)): file.read_text(encoding="utf-8") for file in pages}
    long = {where: lines for where, text in texts.items() if (lines := len(text.splitlines())) > FILE_LINES}
    assert_none(f"{where} {lines} lines" for where, lines in long.items())


def test_no_function_is_longer_than_a_screen():
    long = {
        f"{module.at(node)} {node.name}": lines
        for module in EVERYTHING
        for node in module.walk(*FUNCTIONS)
        if (lines := node.end_lineno - node.lineno + 1) > FUNCTION_LINES
    }
    assert_none(f"{where} {lines} lines" for where, lines in long.items())


def test_there_is_no_drawer():
    found = [
        module.where
        for module in EVERYTHING
        if any(DRAWERS.match(part) for part in module.where.removesuffix(".py").split("/"))
    ]
    assert_none(found)


def test_rooms_say_what_they_are_for():
    """An `__init__` opens with its room's contract, short enough to be read."""
    found: list[str] = []
    for module in EVERYTHING:
        if not module.where.endswith("__init__.py") or module.where.startswith("tests/"):
            continue
        words = ast.get_docstring(module.tree)
        if not words or len(words.splitlines()) > 8:
            found.append(f"{module.where} says {'too much' if words else 'nothing'}")
    assert_none(found)
