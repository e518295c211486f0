"""The words of the organisation: lines, levels, roles, and the facts about who acts."""

from dataclasses import dataclass
from enum import IntEnum


class Line(IntEnum):
    """A system of organisations; each area may have one unit of each line."""

    PARTY = 1
    UNION = 2
    YOUTH = 3
    WOMEN = 4
    CARE = 5
    SCIENCE = 6


LINE_NAMES = {
    Line.PARTY: "党委",
    Line.UNION: "工会",
    Line.YOUTH: "共青团",
    Line.WOMEN: "妇联",
    Line.CARE: "关工委",
    Line.SCIENCE: "科协",
}


class Level(IntEnum):
    """How high an area stands in the one tree; a smaller number is higher."""

    NATION = 0
    PROVINCE = 1
    CITY = 2
    COUNTY = 3
    TOWNSHIP = 4
    VILLAGE = 5
    ORGANISATION = 6


LEAF_LEVELS = (Level.VILLAGE, Level.ORGANISATION)


class LeafKind(IntEnum):
    """What an organisation leaf is."""

    ENTERPRISE = 1
    SCHOOL = 2
    AGENCY = 3
    SOCIAL = 4


class Role(IntEnum):
    """What a post does in its unit."""

    OFFICER = 1
    SUPERVISOR = 2
    DISPATCHER = 3
    ADMINISTRATOR = 4
    AUDITOR = 5


# What a stand-in may take over. Who lets people in and who checks the others answers for it in person.
DELEGABLE = (Role.OFFICER, Role.SUPERVISOR, Role.DISPATCHER)


@dataclass(frozen=True)
class PostFact:
    """A valid post, with what the law needs to know of its unit. `lft`..`rgt`: its area's preorder interval.

    `holder_id`, `on_behalf_of`: whose post it is, by id and name, when the actor stands in; None and '' for an own one.
    """

    id: int
    unit_id: int
    role: Role
    line: Line
    level: Level
    lft: int
    rgt: int
    unit_name: str = ""
    holder_id: int | None = None
    on_behalf_of: str = ""


@dataclass(frozen=True)
class Actor:
    """The person who acts, with all valid posts, own ones and those stood in for. The system is a person too and signs
    what jobs do."""

    person_id: int
    name: str
    posts: tuple[PostFact, ...] = ()
    is_system: bool = False

    def post_in(self, unit_id: int | None, *roles: Role) -> PostFact | None:
        """The actor's post of one of these roles in that unit, an own one first, or None."""
        return next(iter(self.posts_in(unit_id, *roles)), None)

    def posts_in(self, unit_id: int | None, *roles: Role) -> list[PostFact]:
        """All posts of these roles in that unit: own ones before those stood in for."""
        found = [post for post in self.posts if post.unit_id == unit_id and post.role in roles]
        return sorted(found, key=lambda post: post.holder_id is not None)

    def has_role(self, *roles: Role) -> bool:
        """Whether any post has one of these roles."""
        return any(post.role in roles for post in self.posts)

    def units(self, *roles: Role) -> list[int]:
        """The ids of the units in which the actor has one of these roles (any role when none is named)."""
        return sorted({post.unit_id for post in self.posts if not roles or post.role in roles})


SYSTEM_PERSON_ID = 1
SYSTEM = Actor(person_id=SYSTEM_PERSON_ID, name="system", is_system=True)
