"""`python -m bench.words_bench`: who has said the same in nearly the same words, among a million versions.

A fifth of them begin as very many others do, as forms and model texts make them; ten thousand are one text, copied
through a province. The look-up is of a text that one other unit has copied with other figures, of one that begins as
very many do, and of the one that went through the province.
"""

import argparse
import random
import sys
from collections.abc import Iterator, Sequence
from statistics import median, quantiles
from time import perf_counter, process_time

from campaign.db import db, micros
from campaign.models.likeness import alike_words
from campaign.rules.wording import SAME, resemblance, sketch

from . import country, limits, world
from .figures import Figure, table
from .stages import STAGES, Stage, stage

GOAL = 50.0
VERSIONS = """
INSERT INTO submission (assignment_id, number, words, person_id, post_id, at, chain, digest)
WITH RECURSIVE series(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < :many)
SELECT a.id, s.i, :words, 6, 1, :now, '3', :digest FROM assignment AS a CROSS JOIN series AS s
"""
PRINTS = """
INSERT INTO word_print (value, submission_id)
WITH RECURSIVE series(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 6)
SELECT {value} AS value, s.id FROM submission AS s CROSS JOIN series ORDER BY 1, 2
"""
VALUE = {"sqlite": "random()", "postgresql": "CAST((random() - 0.5) * 18000000000000000000 AS BIGINT)"}
ONE = "INSERT INTO word_print (value, submission_id) VALUES (:value, :id)"
SAID = """
INSERT INTO submission (assignment_id, number, words, person_id, post_id, at, chain, digest)
VALUES (:assignment, :number, :words, 6, 1, :now, '3', :digest) RETURNING id
"""
COMMON, COPIES, TIMES = 500, 10_000, 60
SIGNS = "村妇联组织开展活动培训群众满意现场发放宣传资料累计走访家庭排查整改落实到位下步继续做好跟踪服务工作帮助就业创业"


def text(chance: random.Random, length: int = 200) -> str:
    """Something that somebody might report, with figures in it."""
    parts = ["".join(chance.sample(SIGNS, 12)) + str(chance.randrange(2, 90)) + "人，" for _part in range(length // 15)]
    return "".join(parts)


def other_figures(said: str, chance: random.Random) -> str:
    """The same text with other figures."""
    return "".join(str(chance.randrange(1, 9)) if sign.isdecimal() else sign for sign in said)


def fill(on: Stage, many: int) -> dict[str, list[str]]:
    """So many versions with their sketches, a few of them with words of their own; the texts to look for."""
    chance = random.Random(11)
    whole = world.stretch(country.SMALL, country.NATION)
    model, each = text(chance), -(-many // whole.items)
    usual = [chance.getrandbits(62) for _ in range(COMMON)]
    asked: dict[str, list[str]] = {"a copied text": [], "one that begins as many do": [], "a model text": [model]}
    with on.raw(repeated=True) as raw:
        limits.dispatch(raw, whole, now=world.NOW, due=world.DUE)
        raw.begin()
        raw.run(VERSIONS, many=each, words=text(chance), now=micros(world.NOW), digest=limits.DIGEST)
        raw.run(PRINTS.format(value=VALUE[on.name]))
        for id in chance.sample(range(1, whole.items * each + 1), many // 5):
            raw.run(ONE, value=usual[int(COMMON * chance.random() ** 3)], id=id)
        told = [model] * COPIES + [text(chance) for _ in range(2 * TIMES)]
        asked["a copied text"], asked["one that begins as many do"] = told[COPIES::2], told[COPIES + 1 :: 2]
        for assignment, said in enumerate(told, start=1):
            words = other_figures(said, chance)
            row = {"assignment": assignment, "number": each + 1, "now": micros(world.NOW), "digest": limits.DIGEST}
            id = raw.run(SAID, words=words, **row).fetchone()[0]
            for value in set(sketch(words)):
                raw.run(ONE, value=value, id=id)
        raw.commit()
    on.settle()
    return asked | {"usual": [str(value) for value in usual]}


def look_ups(on: Stage, asked: dict[str, list[str]]) -> Iterator[Figure]:
    """Each text must be found again, with other figures in it, from a unit that has said nothing like it."""
    usual = [int(value) for value in asked.pop("usual")]
    with on.app.app_context():
        for what, texts in asked.items():
            taken, worked = [], []
            for number in range(TIMES):
                said = texts[number % len(texts)]
                made = list(sketch(said))
                if what.startswith("one that begins"):
                    made[-1:] = [usual[0]]  # the commonest beginning of all
                started, work = perf_counter(), process_time()
                found = max(resemblance(said, theirs) for _id, theirs in alike_words(made, 1))
                taken.append(perf_counter() - started)
                worked.append(process_time() - work)
                assert found >= SAME, f"{said} was not found"
            db.session.remove()
            worst = quantiles(taken, n=20)[-1] * 1e3
            detail = f"19 of 20 within {worst:.1f} ms; {median(worked) * 1e3:.1f} ms of processor here"
            yield Figure(on.name, f"words: {what}", median(taken) * 1e3, "ms", GOAL, detail)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.words_bench", description=__doc__)
    parser.add_argument("--many", type=int, default=1_000_000)
    asked = parser.parse_args(arguments)
    figures: list[Figure] = []
    for kind in STAGES:
        with stage(kind, country.SMALL) as on:
            figures += look_ups(on, fill(on, asked.many))
            print(f"{on.name} is measured", file=sys.stderr)
    print(table(figures))


if __name__ == "__main__":
    main()
