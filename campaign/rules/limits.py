"""Limits that every part of a plan keeps: how long words are, how many rows, which days."""

from collections.abc import Iterator
from datetime import date

from ..errors import Problem, Sentence, say

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2100, 1, 1)


def words(where: str, said: str, most: int, needed: Sentence | None = None) -> Iterator[Problem]:
    """Too long, or missing where they are needed."""
    if needed and not said.strip():
        yield Problem(where, needed)
    if len(said) > most:
        yield Problem(where, say("At most %(most)s characters; these are %(have)s.", most=most, have=len(said)))


def between(where: str, number: int | None, least: int, most: int) -> Iterator[Problem]:
    """A number that is given lies between both, these included."""
    if number is not None and not least <= number <= most:
        yield Problem(where, say("Between %(least)s and %(most)s.", least=least, most=most))


def too_many(where: str, most: int) -> Problem:
    """More rows than anybody reads."""
    return Problem(where, say("At most %(most)s of these.", most=most))
