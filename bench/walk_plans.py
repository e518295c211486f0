"""The two plans of the walk: the city plan with its 45 targets and the union plan with its rates, for this year.

They are the demonstration's own files. The years are moved, so that the milestones of 2010 to 2012 lie ahead, and what
the city plan sends to townships or villages at once goes to the counties first: the walk hands everything down itself.
"""

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "campaign" / "demo" / "campaigns"
CITY_PLAN, UNION_PLAN = "C000", "C004"
KEYS = {CITY_PLAN: "WALK-CITY", UNION_PLAN: "WALK-UNION"}
# Of the union plan: the tasks with rates, and one count of two lines, which may be done together.
UNION_TASKS = ("C004-01", "C004-02", "C004-03", "C004-04", "C004-05", "C004-06", "C004-07")
TARGETS, RATES = 45, 7
NEW_TOWNSHIP = "099000"
LEVELS = {3: "县", 4: "乡镇", 5: "村", 6: "单位"}


def plan(name: str, today: date) -> str:
    """The plan file under a key of its own."""
    text = (FOLDER / f"{name}.yaml").read_text("utf-8")
    for back, year in enumerate((2010, 2011, 2012)):
        text = text.replace(str(year), str(today.year + back))
    head, *tasks = re.split(r"(?m)^(?=  - key: )", text)
    level = "county" if name == CITY_PLAN else "township"
    kept = [task for task in tasks if name == CITY_PLAN or any(f"key: {key}\n" in task for key in UNION_TASKS)]
    kept = [re.sub(r"receiving_level: \w+", f"receiving_level: {level}", task) for task in kept]
    kept = [_compared(task) for task in kept]
    kept = [re.sub(rf"key: {name}-", f"key: {KEYS[name]}-", task) for task in kept]
    return head.replace(f"key: {name}\n", f"key: {KEYS[name]}\n") + "".join(kept)


def _compared(task: str) -> str:
    """Its counts are compared with what was reached last year, so that they can be split by it."""
    task = re.sub(r"(kind: count, .*over_time: sum)}", r"\1, compares: baseline}", task)
    return re.sub(r"(?m)^( +)over_time: sum$", r"\1over_time: sum\n\1compares: baseline", task)


def dispatchers(units: list[tuple[str, str, str, str]]) -> bytes:
    """The file of the posts that the demonstration lacks: (login, name, code of the area, line) dispatches there."""
    lines = ["登录名,姓名,区域编码,条线,角色"] + [
        f"{login},{name},{code},{line},下达人" for login, name, code, line in units
    ]
    return "\n".join(lines).encode("utf-8-sig")


def ended(areas: Iterable[Any], kept: tuple[int, int, int], last: date) -> bytes:
    """The file of the areas that end for a smaller walk: all but the first so many counties, the first so many
    townships of each and the first so many villages of each of those. `areas`: rows of the table, in their order."""
    most = dict(zip((3, 4, 5), kept, strict=True))
    stays, seen = set(), defaultdict[int, int](int)
    lines = ["编码,名称,级别,上级编码,停用日期"]
    code_of = {}
    for area in areas:
        code_of[area["id"]] = area["code"]
        above = area["parent_id"]
        seen[above] += area["level"] in most
        if above is None or (above in stays and seen[above] <= most.get(area["level"], seen[above])):
            stays.add(area["id"])
        else:
            lines.append(f"{area['code']},{area['name']},{LEVELS[area['level']]},{code_of[above]},{last.isoformat()}")
    return "\n".join(lines).encode("utf-8-sig")


def moved(villages: list[Any]) -> bytes:
    """The file of the areas that move: the first village goes below the last township; the last but one below a new
    township of its county, which is split so. `villages`: (code, name, township, county) in the order of the tree."""
    lines = ["编码,名称,级别,上级编码,条线"]
    first, last, split = villages[0], villages[-1], villages[-2]
    new = f"{last['county'][:6]}{NEW_TOWNSHIP}"
    lines.append(f"{new},新设镇,乡镇,{last['county']},党委;工会;共青团;妇联")
    lines.append(f"{first['code']},{first['name']},村,{last['township']},")
    lines.append(f"{split['code']},{split['name']},村,{new},")
    return "\n".join(lines).encode("utf-8-sig")


def merged(villages: list[Any], last: date) -> bytes:
    """The file of a village that ends and goes on in one of another county, where there is one."""
    ends = villages[-1]
    into = next((each for each in villages if each["county"] != ends["county"]), villages[0])
    lines = ["编码,名称,级别,上级编码,停用日期,承继编码"]
    lines.append(f"{ends['code']},{ends['name']},村,{ends['township']},{last.isoformat()},{into['code']}")
    return "\n".join(lines).encode("utf-8-sig")
