"""Reading the rows of an area import: codes, levels, kinds and lines, each cell checked by itself."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from ..documents.tables import Row, Table
from ..errors import Sentence, say
from ..rules.organisation import LINE_NAMES, LeafKind, Level, Line
from .importing import (
    NUMBER_SHAPE,
    Headings,
    Problems,
    Progress,
    bad_name,
    meaning,
    read_days,
    told,
    words_to_members,
)

COLUMNS: dict[str, tuple[str, ...]] = {
    "code": ("编码", "代码", "区划代码", "统计用区划代码", "区域编码", "区划编码"),
    "name": ("名称", "区域名称", "区域"),
    "level": ("级别", "层级"),
    "parent_code": ("上级编码", "上级代码", "上级区划代码", "parent"),
    "kind": ("类型", "单位类型"),
    "lines": ("条线", "line"),
    "valid_from": ("启用日期", "有效期起", "开始日期"),
    "valid_to": ("停用日期", "有效期止", "结束日期"),
    "successor_code": ("承继编码", "并入编码", "继任编码"),
}
LEVEL_WORDS = words_to_members({
    Level.NATION: ("nation", "0", "国家", "全国"),
    Level.PROVINCE: ("province", "1", "省", "省级", "自治区", "直辖市"),
    Level.CITY: ("city", "2", "市", "市级", "地市", "地级市", "地市级", "州", "盟"),
    Level.COUNTY: ("county", "3", "县", "县级", "区", "区县", "县区", "县级市", "旗"),
    Level.TOWNSHIP: ("township", "4", "乡镇", "街道", "镇", "乡", "乡级", "乡镇街道", "乡镇级"),
    Level.VILLAGE: ("village", "5", "村", "社区", "村级", "村社区", "村居"),
    Level.ORGANISATION: ("organisation", "organization", "6", "单位", "组织", "基层单位"),
})  # fmt: skip
KIND_WORDS = words_to_members({
    LeafKind.ENTERPRISE: ("enterprise", "企业"),
    LeafKind.SCHOOL: ("school", "学校"),
    LeafKind.AGENCY: ("agency", "机关", "机关事业单位", "事业单位"),
    LeafKind.SOCIAL: ("social", "社会组织"),
})  # fmt: skip
LINE_WORDS = words_to_members({
    Line.PARTY: ("party", LINE_NAMES[Line.PARTY], "党组织"),
    Line.UNION: ("union", LINE_NAMES[Line.UNION], "总工会"),
    Line.YOUTH: ("youth", LINE_NAMES[Line.YOUTH], "团委"),
    Line.WOMEN: ("women", LINE_NAMES[Line.WOMEN], "妇女联合会"),
    Line.CARE: ("care", LINE_NAMES[Line.CARE], "关心下一代工作委员会"),
    Line.SCIENCE: ("science", LINE_NAMES[Line.SCIENCE], "科学技术协会"),
})  # fmt: skip
BETWEEN_LINES = re.compile(r"[;；,，、/|\s]+")
DIGITS = 12
REQUIRED = ("code", "name")
CODE_SHAPE = re.compile(r"[0-9A-Za-z][0-9A-Za-z-]{0,23}")
NAME_LENGTH = 120
NATION_CODE = "0" * DIGITS


@dataclass(slots=True)
class Node:
    """A node of the tree while it is imported. New ones have no `id` until it is given; `line` 0 stood in no file.

    `first` and `next` are its first child and its next sibling, in the order of codes. `parent_code` of a known one:
    where the file moves it to; `old_parent`: where it stood, once it is moved.
    """

    code: str
    name: str
    level: int
    line: int
    kind: int | None = None
    lines: int = 0
    valid_from: date | None = None
    valid_to: date | None = None
    parent_code: str = ""
    level_told: bool = True  # the row says the level, it is not only read from the code
    id: int = 0
    is_new: bool = True
    changed: bool = False
    lft: int = 0
    rgt: int = 0
    depth: int = 0
    parent: "Node | None" = None
    first: "Node | None" = None
    next: "Node | None" = None
    old_parent: "Node | None" = None
    successor_code: str = ""
    successor: "Node | None" = None


def read_nodes(table: Table, headings: Headings, problems: Problems, progress: Progress | None) -> Iterator[Node]:
    """The nodes of the rows that hold, each by itself; what is wrong with the others is added to the problems."""
    masks: dict[str, int | Sentence] = {}
    for count, row in enumerate(table.rows, 1):
        node = _read_node(row, headings, problems, masks)
        if node is not None:
            yield node
        told(progress, "read", count, 0)


def _read_node(row: Row, headings: Headings, problems: Problems, masks: dict[str, int | Sentence]) -> Node | None:
    """The node in a row, or None when a problem was added."""
    code, name = headings.cell(row, "code"), headings.cell(row, "name")
    level = _level(headings.cell(row, "level"), code)
    wrong: list[Sentence | None] = [bad_code(code, level), bad_name(name, NAME_LENGTH)]
    if level is None:
        wrong.append(_level_problem(headings.cell(row, "level")) if wrong[0] is None else None)
    kind, kind_problem = _kind(headings.cell(row, "kind"), level)
    wrong.append(kind_problem)
    listed = headings.cell(row, "lines")
    if listed not in masks:
        masks[listed] = line_mask(listed)
    mask = masks[listed]
    wrong.append(mask if isinstance(mask, Sentence) else None)
    first, last, day_problem = read_days(headings.cell(row, "valid_from"), headings.cell(row, "valid_to"))
    wrong.append(day_problem)
    parent_code = headings.cell(row, "parent_code")
    if parent_code:
        wrong.append(bad_parent_code(parent_code))
    successor = headings.cell(row, "successor_code")
    if successor:
        endless = say("An area that names a successor must say when it ends.")
        wrong.append(bad_parent_code(successor) if last else endless)
    found = [sentence for sentence in wrong if sentence is not None]
    for sentence in found:
        problems.add(row.line, sentence)
    if found or level is None or isinstance(mask, Sentence):
        return None
    told_so = bool(headings.cell(row, "level"))
    return Node(code, name, level, row.line, kind, mask, first, last, parent_code, told_so, successor_code=successor)


def _level(cell: str, code: str) -> Level | None:
    return meaning(LEVEL_WORDS, cell) if cell else level_of(code)


def _level_problem(cell: str) -> Sentence:
    if cell:
        return say("The level “%(level)s” is unknown.", level=cell)
    return say("The level is missing, and it cannot be told from this code.")


def level_of(code: str) -> Level | None:
    """The level that a 12-digit code tells by its zeros; None for another code."""
    if len(code) != DIGITS or not code.isascii() or not code.isdigit():
        return None
    if code == NATION_CODE:
        return Level.NATION
    for level, kept in ((Level.PROVINCE, 2), (Level.CITY, 4), (Level.COUNTY, 6), (Level.TOWNSHIP, 9)):
        if not code[kept:].strip("0"):
            return level
    return Level.VILLAGE


def parent_code_of(code: str, level: int) -> str | None:
    """The code of the parent as the 12-digit code tells it; None when it tells none."""
    if level_of(code) != level or level == Level.NATION:
        return None
    kept = {Level.PROVINCE: 0, Level.CITY: 2, Level.COUNTY: 4, Level.TOWNSHIP: 6, Level.VILLAGE: 9}[Level(level)]
    return code[:kept].ljust(DIGITS, "0")


def bad_code(code: str, level: Level | None) -> Sentence | None:
    """What is wrong with a code, if anything: 12 digits, except for organisations, which have codes of their own."""
    if not code:
        return say("The code is missing.")
    if NUMBER_SHAPE.fullmatch(code):
        return say("Excel turned the code into the number %(code)s and lost its digits. "
                   "Please format the column as text and enter the codes again.", code=code)  # fmt: skip
    if not CODE_SHAPE.fullmatch(code):
        return say("“%(code)s” is no code: only digits, letters and hyphens, at most 24.", code=code[:40])
    if level is Level.ORGANISATION or (code.isdigit() and len(code) == DIGITS):
        return None
    if code.isdigit() and len(code) < DIGITS:
        return say("The code %(code)s has %(count)s digits instead of 12; perhaps Excel removed its zeros.",
                   code=code, count=len(code))  # fmt: skip
    return say("The code %(code)s does not have 12 digits; only organisations have codes of their own.", code=code)


def bad_parent_code(code: str) -> Sentence | None:
    """What is wrong with the code of a parent, if anything."""
    if NUMBER_SHAPE.fullmatch(code):
        return say("Excel turned the parent's code into the number %(code)s. "
                   "Please format the column as text and enter the codes again.", code=code)  # fmt: skip
    if not CODE_SHAPE.fullmatch(code):
        return say("“%(code)s” is no code: only digits, letters and hyphens, at most 24.", code=code[:40])
    return None


def _kind(cell: str, level: Level | None) -> tuple[int | None, Sentence | None]:
    if not cell:
        return None, None
    kind = meaning(KIND_WORDS, cell)
    if kind is None:
        return None, say("The kind “%(kind)s” is unknown: enterprise, school, agency or social.", kind=cell)
    if level is not None and level is not Level.ORGANISATION:
        return None, say("Only organisations have a kind.")
    return int(kind), None


def line_mask(cell: str) -> int | Sentence:
    """The lines in a cell as bits, or what is wrong with them."""
    mask = 0
    for word in BETWEEN_LINES.split(cell):
        if word:
            line = meaning(LINE_WORDS, word)
            if line is None:
                return say("The line “%(line)s” is unknown.", line=word)
            mask |= 1 << line
    return mask


def lines_in(mask: int) -> list[Line]:
    """The lines whose bits are set, 党委 first."""
    return [line for line in Line if mask >> line & 1]
