"""Spelling names: how each of them sounds in pinyin, kept once, so that a search in Latin letters finds it."""

from pypinyin import Style, lazy_pinyin, pinyin
from sqlalchemy import exists, select

from ..db import db, insert_new
from ..models import Area, Person, Spelling

MOST = 5_000  # names in one unit of work


def sounds_of(name: str) -> str:
    """Full pinyin and initials for each reading of the first character, the likeliest first: '单县' gives 'danxian dx
    chanxian cx shanxian sx'. Surnames and places are read in ways that no list of words knows. '' without Chinese."""
    heard = lazy_pinyin(name)
    if not heard or "".join(heard) == name:
        return ""
    first, rest = heard[0], heard[1:]
    others = pinyin(name[0], style=Style.NORMAL, heteronym=True)[0] if first != name[: len(first)] else []
    initials = "".join(sound[0] for sound in rest)
    ways = dict.fromkeys([first, *others])
    return " ".join(f"{way}{''.join(rest)} {way[0]}{initials}" for way in ways).lower()


def spell(*, most: int = MOST) -> int:
    """Spells names of areas and people that nobody has spelled yet, at most so many of each; how many."""
    names: set[str] = set()
    for noun in (Area, Person):
        unheard = ~exists().where(Spelling.name == noun.name)
        names |= set(db.session.scalars(select(noun.name).where(unheard).limit(most)))
    if names:
        db.session.execute(insert_new(Spelling), [{"name": name, "sounds": sounds_of(name)} for name in sorted(names)])
    return len(names)
