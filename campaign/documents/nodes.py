"""YAML nodes read as fields: what is there, what kind it is, and the line it stands on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, TypeVar

import yaml

from ..errors import Invalid, Problem, Sentence, say

NULL = "tag:yaml.org,2002:null"
Member = TypeVar("Member")


@dataclass(frozen=True)
class FileProblem(Problem):
    """A problem in a file: its line counted from 1, and the field as a human names it ('tasks[2].title', from 1)."""

    line: int
    field: str


class Form:
    """The fields that a mapping may have."""

    def __init__(self, *names: str) -> None:
        self.names = names


class NodeReader:
    """Collects the problems of one file while it is read, and remembers where each field stands."""

    def __init__(self, filename: str) -> None:
        self.filename = filename
        self.problems: list[FileProblem] = []
        self.places: dict[str, int] = {}
        self.seen: list[Fields] = []

    def compose(self, text: str, deepest: int) -> yaml.Node:
        """The root node. Raises Invalid for what is not YAML, and for aliases, tags and depth that no plan needs."""
        try:
            self._refuse_tricks(text, deepest)
            node = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self.fail(
                mark.line + 1 if mark else 1, "", say("This is not valid YAML: %(why)s.", why=error.problem or "")
            )
        except yaml.YAMLError:
            self.fail(1, "", say("The file contains characters that are not text."))
        if node is None:
            self.fail(1, "", say("The file is empty."))
        return node

    def _refuse_tricks(self, text: str, deepest: int) -> None:
        depth = 0
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            line = event.start_mark.line + 1 if event.start_mark else 1
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                self.fail(line, "", say("References (& and *) are not accepted; please write the value out."))
            if getattr(event, "tag", None) not in (None, "!"):
                self.fail(line, "", say("Tags (!) are not accepted."))
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > deepest:
                self.fail(line, "", say("The file is nested too deeply."))

    def fail(self, line: int, path: str, sentence: Sentence) -> NoReturn:
        """Stops at a problem after which reading on makes no sense."""
        self.add(line, path, sentence)
        raise Invalid(say("%(file)s cannot be loaded. Nothing was changed.", file=self.filename), list(self.problems))

    def add(self, line: int, path: str, sentence: Sentence) -> None:
        """Notes a problem."""
        self.problems.append(self._problem(line, path, sentence))

    def locate(self, problems: Sequence[Problem]) -> list[Problem]:
        """The same problems, each with the line of its field, or of the nearest field around it."""
        return [self._problem(self.line_of(problem.where), problem.where, problem.sentence) for problem in problems]

    def mapping(self, node: yaml.Node, path: str, form: Form) -> "Fields":
        """The fields of a mapping; unknown and repeated ones are problems, and so is anything that is no mapping."""
        line = node.start_mark.line + 1
        self.places.setdefault(path, line)
        nodes: dict[str, yaml.Node] = {}
        if not isinstance(node, yaml.MappingNode):
            self.add(line, path, say("Fields are expected here: %(fields)s.", fields=", ".join(form.names)))
            node = yaml.MappingNode(NULL, [])
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else "?"
            where = f"{path}.{name}" if path else name
            if name not in form.names:
                self.add(
                    key.start_mark.line + 1,
                    where,
                    say("This field is not known here. Known: %(fields)s.", fields=", ".join(form.names)),
                )
            elif name in nodes:
                self.add(key.start_mark.line + 1, where, say("This field is given twice."))
            else:
                nodes[name] = value
                self.places[where] = key.start_mark.line + 1
        fields = Fields(self, nodes, path, form)
        self.seen.append(fields)
        return fields

    def line_of(self, path: str) -> int:
        """The line of the field with that path, or of the nearest field around it."""
        while path and path not in self.places:
            path = path.rpartition(".")[0]
        return self.places.get(path, 1)

    def _problem(self, line: int, path: str, sentence: Sentence) -> FileProblem:
        steps = path.split(".") if path else []
        named = "".join(f"[{int(step) + 1}]" if step.isdigit() else f".{step}" for step in steps).lstrip(".")
        return FileProblem(f"{self.filename}:{line} {named}".strip(), sentence, line, named)


class Fields:
    """The fields of one mapping, read one by one; a wrong one is noted and read as absent."""

    def __init__(self, reader: NodeReader, nodes: dict[str, yaml.Node], path: str, form: Form) -> None:
        self.reader, self.nodes, self.path, self.form = reader, nodes, path, form

    def has(self, name: str) -> bool:
        """Whether the field is given and is not empty."""
        return name in self.nodes and not _is_null(self.nodes[name])

    def is_mapping(self, name: str) -> bool:
        """Whether the field holds fields of its own."""
        return isinstance(self.nodes.get(name), yaml.MappingNode)

    def wrong(self, name: str, sentence: Sentence) -> None:
        """Notes that this field is wrong."""
        where = self._where(name)
        self.reader.add(self.reader.line_of(where), where, sentence)

    def text(self, name: str) -> str:
        """A line of words, '' when absent; numbers are words too, as they are written."""
        return " ".join(self.lines(name, many=False).split())

    def lines(self, name: str, many: bool = True) -> str:
        """Words of several lines; a list of words is joined, one to a line."""
        node = self.nodes.get(name)
        if node is None or _is_null(node):
            return ""
        if many and isinstance(node, yaml.SequenceNode):
            return "\n".join(self._item(item, f"{name}.{at}") for at, item in enumerate(node.value))
        return self._item(node, name)

    def day(self, name: str) -> date | None:
        """A day, as 2026-11-20."""
        text = self.text(name)
        if not text:
            return None
        try:
            return date.fromisoformat(text)
        except ValueError:
            self.wrong(name, say("Please write the day as 2026-11-20."))
            return None

    def whole(self, name: str) -> int | None:
        """A whole number."""
        text = self.text(name)
        if not text:
            return None
        if not (text.removeprefix("-").isascii() and text.removeprefix("-").isdigit() and len(text) < 10):
            self.wrong(name, say("Please enter a whole number."))
            return None
        return int(text)

    def number(self, name: str) -> Decimal | None:
        """An exact number, as it is written; thousands may be separated by commas."""
        text = self.text(name).replace(",", "")
        if not text:
            return None
        try:
            number = Decimal(text)
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or "e" in text.lower() or "_" in text or len(text) > 30:
            self.wrong(name, say("Please enter a number, for example 12."))
            return None
        return number

    def yes_or_no(self, name: str, *, otherwise: bool) -> bool:
        """true or false."""
        found = self.choice(name, {"true": 1, "false": 2, "yes": 1, "no": 2})
        return otherwise if found is None else found == 1

    def choice(self, name: str, members: Mapping[str, Member]) -> Member | None:
        """One of the words."""
        text = self.text(name)
        return self._member(name, text, members) if text else None

    def choices(self, name: str, members: Mapping[str, Member]) -> list[Member]:
        """Some of the words: a list, or a single one; each once."""
        found: list[Member] = []
        for at, item in self._items(name):
            member = self._member(f"{name}.{at}", self._item(item, f"{name}.{at}"), members)
            if member is not None and member not in found:
                found.append(member)
        return found

    def mapping(self, name: str, form: Form) -> "Fields":
        """The fields inside this field; none when it is absent."""
        if not self.has(name):
            return Fields(self.reader, {}, self._where(name), form)
        return self.reader.mapping(self.nodes[name], self._where(name), form)

    def mappings(self, name: str, form: Form) -> list["Fields"]:
        """A list of mappings."""
        return [self.reader.mapping(item, self._where(f"{name}.{at}"), form) for at, item in self._items(name)]

    def words_or_mappings(self, name: str, form: Form) -> Iterator["str | Fields"]:
        """A list whose items are words or mappings."""
        for at, item in self._items(name):
            where = f"{name}.{at}"
            if isinstance(item, yaml.MappingNode):
                yield self.reader.mapping(item, self._where(where), form)
            else:
                yield self._item(item, where)

    def invented(self) -> list[str]:
        """The fields that are marked as not from the source document; they must be fields that stand here."""
        if "invented" not in self.form.names:
            return []
        known = {name: name for name in self.form.names if name != "invented"}
        return self.choices("invented", known)

    def _items(self, name: str) -> list[tuple[int, yaml.Node]]:
        node = self.nodes.get(name)
        if node is None or _is_null(node):
            return []
        items: list[Any] = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for at, item in enumerate(items):
            self.reader.places[self._where(f"{name}.{at}")] = item.start_mark.line + 1
        return list(enumerate(items))

    def _item(self, node: yaml.Node, name: str) -> str:
        if not isinstance(node, yaml.ScalarNode):
            self.wrong(name, say("Words are expected here."))
            return ""
        return "" if _is_null(node) else str(node.value).strip()

    def _member(self, name: str, text: str, members: Mapping[str, Member]) -> Member | None:
        member = members.get(text.lower())
        if member is None:
            self.wrong(
                name,
                say("“%(word)s” is not known here. Known: %(words)s.", word=text[:40], words=", ".join(members)),
            )
        return member

    def _where(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == NULL
