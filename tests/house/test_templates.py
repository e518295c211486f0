"""Templates: each compiles, names only what exists, and is used."""

import ast
import re

from jinja2 import meta

from .sources import PRODUCT, ROOT, assert_none

FOLDER = ROOT / "templates"
ENDINGS = (".html", ".txt", ".xml", ".svg")
INLINE = re.compile(r"\sstyle=|\son[a-z]+=|<script(?![^>]*\bsrc=)|<style\b|javascript:", re.IGNORECASE)


def files() -> dict[str, str]:
    """Every template by the name under which it is rendered."""
    return {str(file.relative_to(FOLDER)): file.read_text(encoding="utf-8") for file in sorted(FOLDER.rglob("*.*"))}


def named_in_code() -> tuple[set[str], list[re.Pattern[str]]]:
    """The template names in the code; and patterns for names that are put together."""
    names, patterns = set(), []
    for module in PRODUCT:
        for node in module.walk(ast.Constant, ast.JoinedStr):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(ENDINGS):
                names.add(node.value)
            if isinstance(node, ast.JoinedStr):
                parts = [re.escape(p.value) if isinstance(p, ast.Constant) else "[^/]+" for p in node.values]
                if (pattern := "".join(parts)).endswith(tuple(re.escape(ending) for ending in ENDINGS)):
                    patterns.append(re.compile(pattern))
    return names, patterns


def test_every_template_compiles(app):
    """Unknown filters and tests are found here; unknown names when a page is rendered, undefined is an error."""
    for name in files():
        app.jinja_env.get_template(name)


def test_templates_name_only_templates_that_exist(app):
    found = []
    for name, text in files().items():
        for other in meta.find_referenced_templates(app.jinja_env.parse(text)):
            if other is not None and other not in files():
                found.append(f"{name} names {other}")
    assert_none(found)


def test_code_names_only_templates_that_exist():
    names, _ = named_in_code()
    rendered = {name for name in names if "/" in name and name.endswith(".html")}
    assert_none(name for name in rendered if name not in files())


def test_every_template_is_used(app):
    used, patterns = named_in_code()
    for text in files().values():
        used |= {other for other in meta.find_referenced_templates(app.jinja_env.parse(text)) if other}
    assert_none(name for name in files() if name not in used and not any(p.fullmatch(name) for p in patterns))


def test_templates_carry_no_inline_script_or_style():
    """The content security policy would forbid them: the page would look broken only in the browser."""
    assert_none(f"{name}: {match[0]!r}" for name, text in files().items() if (match := INLINE.search(text)))


def test_every_static_file_named_exists():
    pattern = re.compile(r"""static_url\(['"]([^'"]+)['"]\)|filename=['"]([^'"]+)['"]""")
    assert_none(
        f"{name} names {wanted}"
        for name, text in files().items()
        for match in pattern.finditer(text)
        if not (ROOT / "static" / (wanted := match[1] or match[2])).exists()
    )
