"""The invented country: one line of units from the nation to its villages, and people in some posts, by plain SQL.

The id of an area is its place in preorder, so that everything about it is arithmetic. Its unit has the same id.
"""

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING

from campaign.rules.organisation import Line, Role

if TYPE_CHECKING:
    from .stages import Raw

NATION, PROVINCE, CITY = 1, 2, 3  # the ids of the first of each: the issuing units
LARGE = (6, 10, 10, 20, 50)  # 600,000 villages; a province has 100,000 of them, a city 10,000
SMALL = (6, 5, 2, 5, 40)  # 12,000; 2,000; 400
EVERY = 5  # every so manieth village has an officer
LINE = int(Line.WOMEN)

SERIES = "WITH RECURSIVE series(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM series WHERE i + 1 < :fan)"
ROOT = "INSERT INTO area (id, code, name, level, path, depth, lft, rgt) VALUES (1, '1', '全国', 0, '/1/', 0, 1, :size)"
BELOW = f"""
INSERT INTO area (id, code, name, level, parent_id, path, depth, lft, rgt)
{SERIES}
SELECT up.lft + 1 + i * :size, CAST(up.lft + 1 + i * :size AS TEXT),
       CAST(:name AS TEXT) || (up.lft + 1 + i * :size), :level, up.id,
       up.path || (up.lft + 1 + i * :size) || '/', :level, up.lft + 1 + i * :size, up.lft + (i + 1) * :size
FROM area AS up CROSS JOIN series WHERE up.level = :above ORDER BY 1
"""
UNITS = f"""
INSERT INTO unit (id, area_id, line, level, lft, name, superior_id)
SELECT id, id, {LINE}, level, lft, name || '妇联', parent_id FROM area ORDER BY level, id
"""
PEOPLE = """
INSERT INTO person (id, login, name, must_change_password, created_at)
SELECT id + 10, 'p' || id, '某人' || id, false, 0 FROM unit WHERE level < 5 OR id % :every = 0 ORDER BY id
"""
POSTS = """
INSERT INTO post (person_id, unit_id, role, valid_from)
SELECT p.id, u.id, CASE WHEN u.level < 5 THEN 2 ELSE 1 END, '2026-01-01'
FROM unit AS u JOIN person AS p ON p.id = u.id + 10 ORDER BY u.id
"""
MORE_POSTS = """
INSERT INTO post (person_id, unit_id, role, valid_from) SELECT id + 10, id, :role, '2026-01-01' FROM unit WHERE id <= 3
"""
BUSY_PERSON = """
INSERT INTO person (id, login, name, must_change_password, created_at) VALUES (6, 'busy', '某人', false, 0)
"""
BUSY = """
INSERT INTO post (person_id, unit_id, role, valid_from)
SELECT 6, id, 1, '2026-01-01' FROM unit WHERE level = 5 AND superior_id = 5
"""
CAMPAIGN = """
INSERT INTO campaign (id, title, issuing_unit_id, based_on, theme, ground, status, version, author_id, created_at)
VALUES (:id, :title, :id, '', '', '', 2, 1, :author, 0)
"""
TASK = """
INSERT INTO task (id, campaign_id, position, title, what, why, grade, receiving_level, due_kind, due_on, min_characters,
                  review_levels)
VALUES (:id, :campaign, :id, :title, '', '', 1, 5, 1, '2026-12-20', 0, '')
"""
NAMES = ("省", "市", "县", "镇", "村")


def sizes(shape: Sequence[int]) -> list[int]:
    """How many areas lie in the subtree of one area of each level, itself included, from the nation down."""
    found = [1]
    for fan in reversed(shape):
        found.append(1 + fan * found[-1])
    return found[::-1]


def villages(shape: Sequence[int], issuer: int) -> int:
    """How many villages lie below the nation, the first province or the first city."""
    return prod(shape[issuer - 1 :])


def build(raw: "Raw", shape: Sequence[int]) -> None:
    """The tree, its units, `people` and `campaigns`."""
    raw.begin()
    subtree = sizes(shape)
    raw.run(ROOT, size=subtree[0])
    for level in range(1, len(subtree)):
        values = {"fan": shape[level - 1], "size": subtree[level], "level": level, "above": level - 1}
        raw.run(BELOW, name=NAMES[level - 1], **values)
    raw.run(UNITS)
    people(raw)
    campaigns(raw)
    raw.commit()


def people(raw: "Raw") -> None:
    """Somebody in charge of every unit above the villages, an officer in every fifth village, and in the issuing units
    a dispatcher. Person 6 is an officer in all villages of area 5."""
    raw.run(BUSY_PERSON)
    raw.run(PEOPLE, every=EVERY)
    raw.run(POSTS)
    raw.run(BUSY)
    raw.run(MORE_POSTS, role=int(Role.DISPATCHER))


def campaigns(raw: "Raw") -> None:
    """An issued campaign with one task for each of the three issuing units; campaign 1 has a second task, number 4."""
    for id, title in ((NATION, "全国"), (PROVINCE, "全省"), (CITY, "全市")):
        raw.run(CAMPAIGN, id=id, title=title, author=id + 10)
    for id, campaign in ((1, 1), (2, 2), (3, 3), (4, 1)):
        raw.run(TASK, id=id, campaign=campaign, title=f"企业建会 {id}")
        raw.run(f"INSERT INTO task_line (task_id, line) VALUES ({id}, {LINE})")
