"""Reading the rows of a people import: who, how to reach them, and one post a row; each cell checked by itself."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from ..documents.tables import Row, Table
from ..errors import Sentence, say
from ..rules.accounts import login_problem, normal_login, normal_password, password_problems
from ..rules.organisation import Line, Role
from .area_rows import LINE_WORDS
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
    "login": ("用户名", "登录名", "账号", "帐号"),
    "name": ("姓名", "名字"),
    "phone": ("手机", "手机号", "手机号码", "电话", "联系电话"),
    "email": ("邮箱", "电子邮箱", "电子邮件", "e-mail", "mail"),
    "unit": ("单位", "单位名称", "区域编码", "unit_name", "area", "area_code"),
    "line": ("条线",),
    "role": ("岗位", "角色"),
    "valid_from": ("任职日期", "开始日期", "有效期起"),
    "valid_to": ("离任日期", "结束日期", "有效期止"),
    "password": ("初始密码", "密码"),
}
REQUIRED = ("login", "name", "unit", "role")
ROLE_WORDS = words_to_members({
    Role.OFFICER: ("officer", "1", "经办人", "经办"),
    Role.SUPERVISOR: ("supervisor", "2", "审核人", "审核", "主管"),
    Role.DISPATCHER: ("dispatcher", "3", "下达人", "下达"),
    Role.ADMINISTRATOR: ("administrator", "admin", "4", "管理员"),
    Role.AUDITOR: ("auditor", "5", "审计员", "审计"),
})  # fmt: skip
NAME_LENGTH = 64
PHONE_SHAPE = re.compile(r"\+?[0-9][0-9 -]{4,30}")
MAIL_SHAPE = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s.]{2,}")


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One row: a person and one post. Empty cells are None; `line` is None when the unit is named by its own name."""

    at: int
    login: str
    name: str
    phone: str | None
    email: str | None
    unit: str
    line: Line | None
    role: Role
    valid_from: date | None
    valid_to: date | None
    password: str | None


def read_people(table: Table, headings: Headings, problems: Problems, progress: Progress | None) -> Iterator[PersonRow]:
    """The rows that hold, each by itself; what is wrong with the others is added to the problems."""
    for count, row in enumerate(table.rows, 1):
        read = _read(row, headings, problems)
        if read is not None:
            yield read
        told(progress, "read", count, 0)


def _read(row: Row, headings: Headings, problems: Problems) -> PersonRow | None:
    cells = {name: headings.cell(row, name) for name in COLUMNS}
    login, role = normal_login(cells["login"]), meaning(ROLE_WORDS, cells["role"])
    line = meaning(LINE_WORDS, cells["line"]) if cells["line"] else None
    first, last, day_problem = read_days(cells["valid_from"], cells["valid_to"])
    found = [
        _login_problem(cells["login"], login),
        bad_name(cells["name"], NAME_LENGTH),
        _phone_problem(cells["phone"]),
        _mail_problem(cells["email"]),
        _unit_problem(cells["unit"]),
        say("The line “%(line)s” is unknown.", line=cells["line"]) if cells["line"] and line is None else None,
        _role_problem(cells["role"], role),
        day_problem,
        *_password_problems(cells["password"], login, cells["name"]),
    ]
    wrong = [sentence for sentence in found if sentence is not None]
    for sentence in wrong:
        problems.add(row.line, sentence)
    if wrong or role is None:
        return None
    return PersonRow(
        row.line, login, cells["name"], cells["phone"] or None, cells["email"] or None, cells["unit"], line, role,
        first, last, cells["password"] or None,
    )  # fmt: skip


def _login_problem(cell: str, login: str) -> Sentence | None:
    if not cell:
        return say("The login name is missing.")
    if NUMBER_SHAPE.fullmatch(cell):
        return say("Excel turned the login name into the number %(login)s. "
                   "Please format the column as text and enter it again.", login=cell)  # fmt: skip
    return login_problem(login)


def _phone_problem(phone: str) -> Sentence | None:
    if NUMBER_SHAPE.fullmatch(phone):
        return say("Excel turned the telephone number into %(phone)s. "
                   "Please format the column as text and enter it again.", phone=phone)  # fmt: skip
    if phone and not PHONE_SHAPE.fullmatch(phone):
        return say("“%(phone)s” is no telephone number.", phone=phone[:40])
    return None


def _mail_problem(email: str) -> Sentence | None:
    if email and (len(email) > 254 or not MAIL_SHAPE.fullmatch(email)):
        return say("“%(email)s” is no e-mail address.", email=email[:60])
    return None


def _unit_problem(unit: str) -> Sentence | None:
    if not unit:
        return say("The unit is missing.")
    if NUMBER_SHAPE.fullmatch(unit):
        return say("Excel turned the code into the number %(code)s and lost its digits. "
                   "Please format the column as text and enter the codes again.", code=unit)  # fmt: skip
    return None


def _role_problem(cell: str, role: Role | None) -> Sentence | None:
    if not cell:
        return say("The role is missing.")
    if role is None:
        return say("The role “%(role)s” is unknown.", role=cell)
    return None


def _password_problems(password: str, login: str, name: str) -> list[Sentence]:
    return password_problems(normal_password(password), login=login, name=name) if password else []
