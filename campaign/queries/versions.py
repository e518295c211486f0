"""Two versions of a report side by side, and how often it went back and between whom; from one file."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..rules.differences import Differences, differences
from ..rules.states import Action
from .submission import Dossier, Version


@dataclass(frozen=True)
class Bounce:
    """How often one level sent the report back, and by whom to whom."""

    unit_name: str
    times: int
    between: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Compared:
    """Two versions and what changed from the earlier to the later one."""

    was: Version
    now: Version
    changes: Differences


def compared(found: Dossier, was: int | None, now: int | None) -> Compared | None:
    """Any two versions, the earlier first; without numbers the last two. None where there are no two."""
    if len(found.versions) < 2:
        return None
    later = found.version(now) or found.versions[-1]
    others = [version for version in found.versions if version is not later]
    earlier = found.version(was)
    if earlier is None or earlier is later:
        before = [version for version in others if version.number < later.number]
        earlier = before[-1] if before else others[0]
    if earlier.number > later.number:
        earlier, later = later, earlier
    return Compared(earlier, later, differences(earlier.content, later.content))


def bounces(versions: Sequence[Version]) -> list[Bounce]:
    """Level by level in the order in which they sent it back first. What was taken back counts nowhere."""
    found: dict[str, Counter[tuple[str, str]]] = {}
    for version in versions:
        for made in version.decisions:
            if made.decision is Action.RETURN:
                found.setdefault(made.unit_name, Counter())[made.person_name, version.person_name] += 1
    return [
        Bounce(unit, sum(pairs.values()), tuple((who, whom, n) for (who, whom), n in pairs.items()))
        for unit, pairs in found.items()
    ]
