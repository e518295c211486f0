"""Who is meant by a name that somebody typed into a spreadsheet: a unit, its area, or the area's code."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

# What a place is called in full, and the word that says the same in short.
FULL = {
    "村民委员会": "村", "村委会": "村", "社区居民委员会": "社区", "社区居委会": "社区", "居民委员会": "社区",
    "居委会": "社区", "街道办事处": "街道", "办事处": "街道", "人民政府": "",
}  # fmt: skip
KINDS = ("社区", "街道", "村", "镇", "乡", "县", "区", "市")
SHORTEST_CODE = 6  # digits of a county's
SHORTEST = 2  # 东村 stays 东村
WIDE = str.maketrans("()", "（）")
CODE = re.compile(r"(\d{6}|\d{9})0{3,6}")  # twelve digits with nothing behind the place's own


class Names:
    """The units by all that they may be called. `known`: who is meant by a name or code as it is written exactly."""

    def __init__(self, known: Mapping[str, Sequence[int]]) -> None:
        self._exact = known
        self._plain: dict[str, set[int]] = {}
        self._short: dict[str, dict[str, set[int]]] = {}
        for name, ids in known.items():
            for key in _keys(plain(name)):
                self._plain.setdefault(key, set()).update(ids)
            bare, kind = _parts(plain(name))
            self._short.setdefault(bare, {}).setdefault(kind, set()).update(ids)

    def of(self, name: str) -> list[int]:
        """Who is meant: as it is written; else blanks aside; else by the short or the full name of the place, whose 村
        or 镇 may be missing. Several where that does not say which; none where nobody is called so."""
        if name in self._exact:
            return list(self._exact[name])
        wanted = plain(name)
        if wanted in self._plain:
            return sorted(self._plain[wanted])
        bare, kind = _parts(wanted)
        kinds = self._short.get(bare, {})
        if not kind:
            return sorted(set().union(*kinds.values()))
        return sorted(kinds.get(kind, set()) | kinds.get("", set()))


def spellings(name: str) -> set[str]:
    """How what was typed may stand in the records, so that these can be asked for it: with and without blanks, in half-
    and full-width letters, with the other words for the kind of place; a code with the zeros behind it. None for what
    is a plain number."""
    bare = "".join(unicodedata.normalize("NFKC", name).split())
    if bare.replace(".", "").isdecimal():
        return {bare, bare.ljust(12, "0")} if len(bare) >= SHORTEST_CODE else set()
    proper, kind = _parts(bare)
    kinds = {"", *KINDS} if not kind else {"", kind}
    found = {bare, *(proper + each for each in kinds), *(proper + full for full, each in FULL.items() if each in kinds)}
    return found | {each.translate(WIDE) for each in found}


def plain(name: str) -> str:
    """The name without blanks, in half-width letters."""
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


def _parts(name: str) -> tuple[str, str]:
    """The proper name and the kind of place: 河口村民委员会 is (河口, 村), as 河口村 is; 东村 has no kind."""
    full = next((each for each in FULL if name.endswith(each) and len(name) - len(each) >= SHORTEST), "")
    kind, name = FULL.get(full, ""), name.removesuffix(full)
    also = next((each for each in KINDS if name.endswith(each) and len(name) - len(each) >= SHORTEST), "")
    return name.removesuffix(also), kind or also


def _keys(name: str) -> Iterator[str]:
    """The name; a code also without the zeros behind it."""
    yield name
    found = CODE.fullmatch(name) if len(name) == 12 else None
    if found:
        yield found[1]
