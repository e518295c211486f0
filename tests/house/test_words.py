"""Every visible sentence is translatable, and its Chinese exists exactly once, with the same places for values."""

import ast
import re
from collections import defaultdict
from io import BytesIO

from babel.messages.extract import extract
from babel.messages.pofile import read_po

from .sources import PRODUCT, ROOT, assert_none

KEYWORDS = {
    "_": None, "gettext": None, "lazy_gettext": None, "_l": None, "say": None,
    "ngettext": (1, 2), "lazy_ngettext": (1, 2), "say_many": (1, 2),
}  # fmt: skip
JINJA = {"trimmed": "true", "silent": "false", "newstyle_gettext": "true"}
PARTS = ROOT / "campaign" / "translations" / "zh_CN"
PLACE = re.compile(r"%\((\w+)\)[sd]|%[sd]")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
OWN_NAMES = {"中文", "简体中文", "English", "EN", "zh_CN", "en"}  # a language is called by its own name


def _first(message) -> str:
    return message if isinstance(message, str) else message[0]


def wanted() -> dict[str, str]:
    """Each sentence of code and templates, and the place where it stands."""
    found: dict[str, str] = {}
    files = [(ROOT / module.where, "python", {}) for module in PRODUCT if module.room != "migrations"]
    files += [(file, "jinja2.ext:babel_extract", JINJA) for file in sorted((ROOT / "templates").rglob("*.*"))]
    for file, method, options in files:
        with file.open("rb") as stream:
            for line, message, _comments, _context in extract(method, stream, KEYWORDS, (), options):
                found.setdefault(_first(message), f"{file.relative_to(ROOT)}:{line}")
    found.pop("", None)
    return found


def translated() -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    """Each sentence of the parts: in which parts it stands, and its Chinese."""
    found: dict[str, list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
    for part in sorted(PARTS.glob("*.po")):
        for message in read_po(BytesIO(part.read_bytes()), locale="zh_CN", abort_invalid=True):
            if message.id:
                strings = (message.string,) if isinstance(message.string, str) else tuple(message.string)
                found[_first(message.id)].append((part.name, strings if not message.fuzzy else ("",)))
    return found


def test_every_sentence_has_its_chinese():
    known = translated()
    assert_none(
        f"{where} {text!r}" for text, where in wanted().items() if not any(all(said) for _, said in known.get(text, []))
    )


def test_no_sentence_is_translated_twice():
    assert_none(
        f"{text!r} in {', '.join(part for part, _ in places)}"
        for text, places in translated().items()
        if len(places) > 1
    )


def test_translations_keep_the_places_for_values():
    assert_none(
        f"{part}: {text!r} against {said!r}"
        for text, places in translated().items()
        for part, strings in places
        for said in strings
        if said and set(PLACE.findall(said)) - set(PLACE.findall(text)) | (_named(text) - _named(said))
    )


def _named(text: str) -> set[str]:
    """The named places; a plural may swallow its number, so `num` may be missing."""
    return {name for name in PLACE.findall(text) if name != "num"}


class _Anything(dict[str, int]):
    """A value for every place."""

    def __missing__(self, _name: str) -> int:
        return 1


def test_every_translation_can_take_its_values():
    """A template fills in values even where there are none, so a bare per cent sign would break the page."""
    found = []
    for text, places in translated().items():
        for said in (text, *(said for _part, strings in places for said in strings if said)):
            try:
                said % _Anything()
            except (TypeError, ValueError) as error:
                found.append(f"{said!r}: {error}")
    assert_none(found)


def test_sentences_are_written_in_english():
    """A sentence may quote what Chinese paper says, but it is not Chinese itself."""
    assert_none(f"{where} {text!r}" for text, where in wanted().items() if _is_chinese(text))


def _is_chinese(text: str) -> bool:
    return len(CHINESE.findall(text)) > len(re.findall("[A-Za-z]", PLACE.sub("", text)))


def test_the_door_speaks_no_chinese_of_its_own():
    """What is shown is translated; the words of the paper that comes in (headings of tables) are read by the verbs."""
    assert_none(
        f"{module.at(node)} {node.value!r}"
        for module in PRODUCT
        if module.room in ("web", "api", "queries", "notify", "jobs")
        for node in module.walk(ast.Constant)
        if isinstance(node.value, str) and CHINESE.search(node.value) and node.value not in OWN_NAMES
        if node.value not in _docstrings(module.tree) | _samples(module.tree) and not _is_format(node.value)
    )


def _samples(tree: ast.Module) -> set[str]:
    """The rows of sample tables that can be downloaded: paper, not words of the page."""
    found: set[str] = set()
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == "SAMPLES" for target in targets):
            found |= {each.value for each in ast.walk(node) if isinstance(each, ast.Constant)}
    return found


def _is_format(text: str) -> bool:
    """The Chinese way to write a date or a number: characters for day, month, weekday and ten thousand."""
    return bool(re.fullmatch(r"[^\u4e00-\u9fff]*([年月日周万亿元第号][^\u4e00-\u9fff]*)+|[周]?[一二三四五六日]+", text))


def _docstrings(tree: ast.Module) -> set[str]:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(tree) if isinstance(node, kinds) and node.body]
    firsts = [node.body[0] for node in nodes if isinstance(node.body[0], ast.Expr)]
    return {first.value.value for first in firsts if isinstance(first.value, ast.Constant)}


VISIBLE = re.compile(r"""\b(?:aria-label|title|placeholder|alt)="([^"{%]+)"|>([^<>]+)<""")
QUIET = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<!--.*?-->|<(script|style|code|kbd)\b.*?</\1>|&\w+;", re.DOTALL)
WORDS = re.compile(r"[A-Za-z\u4e00-\u9fff]{2,}")


def test_templates_show_no_bare_words():
    found = []
    for file in sorted((ROOT / "templates").rglob("*.html")):
        quiet = QUIET.sub("\u0000", file.read_text(encoding="utf-8"))
        for match in VISIBLE.finditer(quiet):
            shown = (match[1] or match[2] or "").strip()
            if WORDS.search(shown) and '="' not in shown and shown.strip(" \u0000·") not in OWN_NAMES:
                found.append(f"{file.relative_to(ROOT)} {shown!r}")
    assert_none(found)
