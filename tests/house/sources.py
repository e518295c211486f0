"""The source as data: every Python file of the product, parsed once, with what it imports."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXEMPT = "campaign/migrations/versions/"
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Import:
    """One imported thing: 'campaign.db.unit_of_work', or 'os'; whether it stands inside a function."""

    name: str
    line: int
    function: str | None


@dataclass(frozen=True)
class Module:
    """One file. `where` is its path from the top, `name` what it is imported as."""

    where: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The file, parsed."""
        return ast.parse(self.text, self.where)

    @property
    def name(self) -> str:
        """'campaign.web.door'."""
        return self.where.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def room(self) -> str:
        """'web'; the file's own name where it stands in no room; 'jobs' for the clock."""
        parts = self.name.split(".")
        return parts[1] if parts[0] == "campaign" and len(parts) > 1 else parts[0]

    @cached_property
    def imports(self) -> list[Import]:
        """Everything that is imported, by full name."""
        return list(self._imports(self.tree, None))

    def _imports(self, node: ast.AST, function: str | None) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from (Import(alias.name, child.lineno, function) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                base = self._base(child)
                yield from (Import(f"{base}.{alias.name}", child.lineno, function) for alias in child.names)
            else:
                yield from self._imports(child, child.name if isinstance(child, FUNCTIONS) else function)

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        own = self.name.split(".")
        package = own if self.where.endswith("__init__.py") else own[:-1]
        kept = package[: len(package) - node.level + 1]
        return ".".join([*kept, node.module] if node.module else kept)

    def walk(self, *kinds: type[ast.AST]) -> Iterator[ast.AST]:
        """All nodes of these kinds."""
        return (node for node in ast.walk(self.tree) if isinstance(node, kinds))

    def at(self, node: ast.AST) -> str:
        """'campaign/db.py:12'."""
        return f"{self.where}:{getattr(node, 'lineno', 0)}"


def modules(*tops: str) -> list[Module]:
    """All Python files under these folders; a name that ends in .py is a file."""
    found: list[Module] = []
    for top in tops:
        files = [ROOT / top] if top.endswith(".py") else sorted((ROOT / top).rglob("*.py"))
        found += [Module(str(file.relative_to(ROOT)), file.read_text(encoding="utf-8")) for file in files]
    return found


PRODUCT = [module for module in modules("campaign", "jobs", "wsgi.py") if not module.where.startswith(EXEMPT)]
EVERYTHING = PRODUCT + modules("tests", "bench")


def assert_none(breaches: Iterable[str]) -> None:
    """Fails with every breach on a line of its own."""
    found = sorted(breaches)
    if found:
        pytest.fail(f"{len(found)} found:\n" + "\n".join(found), pytrace=False)


def dotted(node: ast.AST) -> str:
    """'os.environ' for an expression of names and dots; '' for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (left := dotted(node.value)):
        return f"{left}.{node.attr}"
    return ""
