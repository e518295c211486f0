"""`python -m bench.pictures_bench`: looking for nearly the same picture among a million, and what a photo costs.

A fifth of the million have a part in common with very many others, as a white sky or the same wall: a look-up of one of
these reads more rows, up to the bound that the product sets itself.
"""

import argparse
import gc
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from statistics import median, quantiles

from PIL import Image, ImageFilter

from campaign.db import db
from campaign.evidence.pictures import Copy, look, small_copy
from campaign.evidence.store_folder import FolderStore
from campaign.models.likeness import UNSIGNED, near_pictures
from campaign.rules.turning import turned

from . import country
from .figures import Figure, table
from .stages import STAGES, Stage, stage

LOOK_UP_GOAL, PHOTO_GOAL = 50.0, 0.4
WIDE, HIGH = 4000, 3000
COMMON = 500  # numbers that a part of a picture takes when it is a wall or a sky
INSERT = "INSERT INTO fingerprint (sha256, bits, first, second, third, fourth) VALUES (?, ?, ?, ?, ?, ?)"
COPY = "COPY fingerprint (sha256, bits, first, second, third, fourth) FROM STDIN"
Row = tuple[str, int, int, int, int, int]


def prints(many: int) -> Iterator[Row]:
    """Invented fingerprints, the same in every run."""
    chance = random.Random(8)
    usual = [chance.getrandbits(16) for _ in range(COMMON)]
    for number in range(many):
        parts = [chance.getrandbits(16) for _ in range(4)]
        if number % 5 == 0:
            parts[chance.randrange(4)] = usual[int(COMMON * chance.random() ** 3)]
        bits = parts[0] << 48 | parts[1] << 32 | parts[2] << 16 | parts[3]
        first, second, third, fourth = parts
        yield f"{number:064x}", bits - (1 << 64) if bits >> 63 else bits, first, second, third, fourth


def fill(on: Stage, many: int) -> None:
    """That many fingerprints in the table of the product."""
    connection = on.connect()
    if on.name == "postgresql":
        with connection.cursor() as cursor, cursor.copy(COPY) as copy:
            for row in prints(many):
                copy.write_row(row)
    else:
        connection.execute("BEGIN")
        connection.executemany(INSERT, prints(many))
        connection.execute("COMMIT")
    connection.close()
    on.settle()


def look_ups(on: Stage, many: int, times: int) -> Iterator[Figure]:
    """Pictures that are there, each turned or mirrored and changed in six bits: each must be found again."""
    chance = random.Random(9)
    rows = list(prints(many))
    gc.freeze()  # a million rows of the bench are not the product's to look through for garbage
    kinds = {"any picture": rows[1::5], "one with a common wall": rows[0::5]}
    with on.app.app_context():
        for what, among in kinds.items():
            taken, worked = [], []
            for row in chance.sample(among, times):
                way = chance.choice(turned(row[1] & UNSIGNED))
                asked = way ^ sum(1 << bit for bit in chance.sample(range(64), 6))
                started, work = time.perf_counter(), time.process_time()
                found = near_pictures({"new": asked})
                taken.append(time.perf_counter() - started)
                worked.append(time.process_time() - work)
                assert row[0] in found["new"], f"{row[0]} was not found"
            db.session.remove()
            worst = quantiles(taken, n=20)[-1] * 1e3
            name = f"near pictures among {many:,}, {what}"
            detail = f"19 of 20 within {worst:.1f} ms; {median(worked) * 1e3:.1f} ms of processor here"
            yield Figure(on.name, name, median(taken) * 1e3, "ms", LOOK_UP_GOAL, detail)


def photo(form: str, night: int = 0, **options: object) -> bytes:
    """Twelve million points with the grain of a real photo. `night`: how far each colour of each point strays, which no
    camera removed: nothing is dearer to keep or to unpack."""
    chance = random.Random(10)
    picture = Image.frombytes("RGB", (40, 30), chance.randbytes(40 * 30 * 3)).resize(
        (WIDE, HIGH), Image.Resampling.BICUBIC
    )
    if night:
        strays = [Image.effect_noise((WIDE, HIGH), night * 5) for _colour in "RGB"]
        picture = Image.blend(picture, Image.merge("RGB", strays), 0.2)
    else:
        grain = Image.effect_noise((WIDE, HIGH), 12).filter(ImageFilter.GaussianBlur(1)).convert("RGB")
        picture = Image.blend(picture, grain, 0.2)
    out = BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def photos(times: int) -> Iterator[Figure]:
    """All that a photo costs on its way in and when it is first shown: keeping, looking, both small copies."""
    kinds: dict[str, tuple[str, dict[str, object]]] = {
        "JPEG": ("JPEG", {"quality": 90}),
        "HEIC": ("HEIF", {"quality": 60}),
        "WebP": ("WEBP", {"quality": 85}),
        "PNG": ("PNG", {"compress_level": 6}),
    }
    for name, (form, options) in kinds.items():
        for night in (0, 3, 5, 8):
            yield _cost(f"12 megapixels.{name.lower()}", photo(form, night, **options), times)


def _cost(name: str, content: bytes, times: int) -> Figure:
    taken = []
    for _round in range(times):
        with tempfile.TemporaryDirectory() as folder:
            store = FolderStore(Path(folder))
            started = time.process_time()  # of all threads of the process: decoders may have their own
            stored = store.put(BytesIO(content), name=name)
            look(store, BytesIO(content), stored, zone="Asia/Shanghai")
            for copy in Copy:
                assert small_copy(store, stored.sha256, stored.media_type, copy)
            taken.append(time.process_time() - started)
    size = f"{len(content) / 1e6:.1f} MB"
    return Figure("none", f"a photo, {name}, {size}", median(taken), "s", PHOTO_GOAL, "of processor")


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.pictures_bench", description=__doc__)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=60)
    parser.add_argument("--photos", nargs="+", type=Path, metavar="FILE", help="measure these instead, and no more")
    asked = parser.parse_args(arguments)
    if asked.photos:
        print(table([_cost(path.name, path.read_bytes(), 5) for path in asked.photos]))
        return
    figures = list(photos(5))
    for kind in STAGES:
        with stage(kind, country.SMALL) as on:
            fill(on, asked.many)
            figures += look_ups(on, asked.many, asked.times)
            print(f"{on.name} is measured", file=sys.stderr)
    print(table(figures))


if __name__ == "__main__":
    main()
