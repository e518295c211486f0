"""Every figure of every board against the walk's own sums: boards, metric pages, unit pages, and all their exports."""

import csv
import io
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import openpyxl  # type: ignore[import-untyped]

from campaign import clock

from .walk_named import compare_names
from .walk_people import Tables, Visitor
from .walk_plans import KEYS
from .walk_quotas import compare_quotas
from .walk_reading import HALF, TENTH, Table, Tally, alike, decimal, shows
from .walk_recount import Expected
from .walk_tree import Against, Tree

AUDITOR = "zouqiuju"
LINES = {1: "party", 2: "union", 3: "youth", 4: "women", 5: "care", 6: "science"}
GROUND = "按三年实施方案第六条，年底对各地指标完成情况进行比较。"
MOST_SHOWN = 40
Row = dict[str, str]


def allow_comparison(visitor: Visitor, campaign: int) -> None:
    """Switches the comparison of units on, with its ground."""
    visitor.send(visitor.get(f"/campaigns/{campaign}/comparison").form("/comparison"), {"ground": GROUND})


def compare(address: str, tables: Tables, *, some: bool = False) -> int:
    """Opens every board and compares; prints the counts; how many figures differ. `some`: in one area of each level."""
    time.sleep(3)  # the clock folds what the last people did
    reader, tally = Visitor(address, AUDITOR), Tally()
    recount = Tree(tables, clock.local_today(clock.now()))
    recount.read_baselines(tables.rows("SELECT * FROM baseline"))
    recount.read_lines(tables.rows("SELECT * FROM task_line ORDER BY task_id, line"))
    boards = Boards(reader, recount, tally, tables, some)
    for step in (
        boards.figures, boards.metric_pages, boards.lights, boards.slowest, boards.units, boards.trees,
        boards.comparisons, boards.named, boards.quotas, boards.sheets,
    ):  # fmt: skip
        step()
        print(f"{step.__name__}: {len(tally.wrong)} differences so far", flush=True)
    for name, n in tally.compared.items():
        print(f"  {name:<12} {tally.pages[name]:>6,} pages {n:>8,} figures")
    print(f"{sum(tally.compared.values()):,} figures compared on {sum(tally.pages.values()):,} pages and files, "
          f"{len(tally.wrong)} differences")  # fmt: skip
    for each in tally.wrong[:MOST_SHOWN]:
        print("  differs:", each)
    return len(tally.wrong)


@dataclass
class Boards:
    """Who reads, what was counted, what was found."""

    reader: Visitor
    recount: Tree
    tally: Tally
    tables: Tables
    some: bool = False

    def __post_init__(self) -> None:
        count = self.recount
        keys = tuple(KEYS.values())
        self.walked = [id for id, row in count.campaigns.items() if row["key"] in keys]
        self.upper = [id for id, row in count.areas.items() if row["level"] < 5]
        if self.some:
            self.upper = list({count.areas[id]["level"]: id for id in self.upper}.values())
        self.byname = {
            (count.tasks[row["task_id"]]["campaign_id"], count.tasks[row["task_id"]]["title"], row["name"]): id
            for id, row in count.metrics.items()
        }

    def csv(self, kind: str, path: str) -> list[Row]:
        """The rows of an export."""
        self.tally.pages[kind] += 1
        answer = self.reader.get(path)
        if answer.status != 200:
            self.tally.wrong.append(f"{kind} {path}: {answer.status}")
            return []
        return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))

    def figures(self) -> None:
        """The page of figures of every campaign in every area; of the walked ones line by line too, and as a page."""
        for campaign in self.recount.campaigns:
            whole = campaign in self.walked and not self.some
            areas = list(self.recount.areas) if whole else self.upper
            metrics = [id for id in self.recount.metrics if self.recount.campaign_of(id) == campaign]
            for area in areas:
                for line in [None, *(LINES if campaign in self.walked and area in self.upper else ())]:
                    where = f"figures of campaign {campaign} in {area}, line {line}"
                    asked = f"area={area}" + (f"&line={LINES[line]}" if line else "")
                    rows = self.csv("figures", f"/campaigns/{campaign}/board/figures.csv?{asked}")
                    found = {self.byname[campaign, row["任务"], row["指标"]]: row for row in rows}
                    for metric in metrics:
                        expected = self.recount.expected(metric, area, line)
                        if metric in found:
                            self._figures_row(f"{where}, metric {metric}", metric, found[metric], expected)
                            against = self.recount.against(metric, area, line)
                            self._against(f"{where}, metric {metric}", metric, found[metric], "对比数", against)
                        else:
                            self.tally.same(where, f"metric {metric} not shown", 0, expected.units[4])
                    if line is None and campaign in self.walked and area in self.upper:
                        self._page(f"/campaigns/{campaign}/board/figures?{asked}", rows, "指标")

    def _figures_row(self, where: str, metric: int, row: Row, expected: Expected) -> None:
        money = self.money_of(metric)
        for name, value in (("目标", expected.target), ("阶段目标", expected.by_now), ("已通过", expected.approved),
                            ("待审核", expected.waiting), ("差距", expected.left)):  # fmt: skip
            if name in row:
                self.tally.near(where, name, decimal(row[name]), value if value is None else value / money)
        self._share(where, row, expected)
        self.tally.same(where, "达标情况", row["达标情况"], expected.stand)
        self._cover(where, row, expected)

    def _share(self, where: str, row: Row, expected: Expected) -> None:
        self.tally.near(where, "完成率", decimal(row["完成率"].removesuffix("%")), expected.share, TENTH)

    def _cover(self, where: str, row: Row, expected: Expected) -> None:
        for name, n in zip(("已通过", "待审核", "退回", "未报", "合计"), expected.units, strict=True):
            self.tally.same(where, f"{name}（单位数）", int(row[f"{name}（单位数）"]), n)

    def _against(self, where: str, metric: int, row: Row, name: str, expected: Against | None) -> None:
        """The figure of then, by how much it changed and whether that is worse; only what is added up has one here."""
        if expected is None:
            for column in (name, "增减", "增减幅度", "是否持平或向好", "有对比数的单位"):
                self.tally.same(where, column, row[column], "")
            return
        money = self.money_of(metric)
        self.tally.near(where, name, decimal(row[name]), expected.before / money)
        change = None if expected.change is None else expected.change / money
        self.tally.near(where, "增减", decimal(row["增减"]), change)
        self.tally.near(where, "增减幅度", decimal(row["增减幅度"].removesuffix("%")), expected.percent, TENTH)
        self.tally.same(where, "是否持平或向好", row["是否持平或向好"], expected.worse)
        self.tally.same(where, "有对比数的单位", row["有对比数的单位"], str(expected.units))

    def money_of(self, metric: int) -> Decimal:
        """By how much a figure is divided before it is shown: 万元, 亿元."""
        fact = self.recount.metrics[metric]
        return Decimal(10) ** fact["money_places"] if fact["kind"] == 2 else Decimal(1)

    def metric_pages(self) -> None:
        """Every metric's own page, area by area: the total, each row below, what the own level did, the splits."""
        for metric in self.recount.metrics:
            campaign = self.recount.campaign_of(metric)
            if self.recount.campaigns[campaign]["status"] == 0:
                continue
            lines = self.recount.lines[self.recount.metrics[metric]["task_id"]]
            areas = (
                self.upper
                if campaign in self.walked
                else [id for id in self.upper if self.recount.areas[id]["level"] < 4]
            )
            for area in areas:
                for line in [None, *(lines if len(lines) > 1 and campaign in self.walked else ())]:
                    if self.recount.expected(metric, area, line).units[4]:
                        self._metric_page(metric, area, line)

    def _metric_page(self, metric: int, area: int, line: int | None) -> None:
        asked = f"area={area}" + (f"&line={LINES[line]}" if line else "")
        where = f"metrics {metric} in {area}, line {line}"
        count = self.recount
        rows = self.csv("metrics", f"/metrics/{metric}.csv?{asked}")
        if not rows:
            self.tally.wrong.append(f"{where}: empty")
            return
        unit = next((re.fullmatch(r"目标 \((.*)\)", name) for name in rows[0] if name.startswith("目标")), None)
        tail = f" ({unit.group(1)})" if unit else ""
        plain = [{name.removesuffix(tail): text for name, text in row.items()} for row in rows]
        below = count.below(metric, area)
        expected = dict(self._branches(metric, area, line, below))
        shown = {row["区域"]: row for row in plain}
        for name, (expects, split) in expected.items():
            if name not in shown:
                self.tally.same(where, f"{name} not shown", 0, expects.units[4])
                continue
            self._branch(f"{where}, {name}", metric, shown[name], expects, split)
            here = next((id for id in (area, *below) if count.areas[id]["name"] == name), None)
            if "基数" in shown[name] and here is not None:
                self._against(f"{where}, {name}", metric, shown[name], "基数", count.against(metric, here, line))
        for name in set(shown) - set(expected):
            self.tally.wrong.append(f"{where}: {name} is shown and should not be")
        if line is None:
            self._page(f"/metrics/{metric}?{asked}", plain, "区域")

    def _branches(
        self, metric: int, area: int, line: int | None, below: list[int]
    ) -> Iterator[tuple[str, tuple[Expected, tuple[Decimal | None, Decimal]]]]:
        count = self.recount
        given = count.given_inside(metric, area, [area, *below], line)
        total = count.expected(metric, area, line, below=given.get(area))
        yield count.areas[area]["name"], (total, count.gave(metric, area, line))
        rest = count.counted(metric, line)[area]
        rows = 0
        for child in below:
            each = count.expected(metric, child, line, below=given.get(child))
            rows += each.units[4]
            if each.units[4] or given.get(child) or each.approved or each.waiting:
                yield count.areas[child]["name"], (each, count.gave(metric, child, line))
        own = count.without(rest, [count.counted(metric, line).get(child) for child in below])
        if own.asked and (rows or any(given.get(child) for child in below)):
            yield f"{count.areas[area]['name']}本级", (count.own_level(metric, area, own), (None, Decimal(0)))

    def _branch(
        self, where: str, metric: int, row: Row, expected: Expected, split: tuple[Decimal | None, Decimal]
    ) -> None:
        fact = self.recount.metrics[metric]
        rate = fact["kind"] == 3 and fact["aggregation"] == 2
        money = self.money_of(metric)

        def told(value: Decimal | None) -> Decimal | None:
            return None if value is None else value / money

        def shown(name: str) -> Decimal | None:
            return decimal(row[name].removesuffix("%"))

        by = TENTH if rate else HALF
        given, reserve = split
        gap = None if given is None or expected.target is None else expected.target - given - reserve
        pairs = (
            ("目标", expected.target), ("下级合计", given), ("预留", None if given is None else reserve),
            ("缺口", gap), ("阶段目标", expected.by_now), ("已通过", expected.approved), ("待审核", expected.waiting),
            ("差距", expected.left),
        )  # fmt: skip
        for name, value in pairs:
            self.tally.near(where, name, shown(name), told(value), by)
        self._share(where, row, expected)
        self.tally.same(where, "达标情况", row["达标情况"], expected.stand)
        self._cover(where, row, expected)

    def _page(self, path: str, rows: list[Row], name: str) -> None:
        """The page itself shows the figures that its export has: every row by its name."""
        self.tally.pages["page"] += 1
        found = defaultdict(list)
        table = Table(self.reader.get(path).text)
        for cells, titles in zip(table.rows, table.titles, strict=True):
            found[cells[0]].append(list(zip(cells, titles, strict=True)))
        for row in rows:
            said = [cells for first, each in found.items() if first.startswith(row[name]) for cells in each]
            for what, column in (("目标", 1), ("已通过", 2)):
                exact = decimal(row[what].removesuffix("%"))
                shown = [cells[column] for cells in said if len(cells) > column]
                right = any(shows(cell, title, exact) for cell, title in shown)
                self.tally.same(f"page {path}", f"{row[name]} {what} {shown} {exact}", right, True)

    def lights(self) -> None:
        """The grid of units and tasks: lights, how many show them, done and asked."""
        for campaign in self.recount.campaigns:
            for area in self.upper if campaign in self.walked else self.upper[:5]:
                self._board(campaign, area)

    def _board(self, campaign: int, area: int) -> None:
        where = f"lights of {campaign} in {area}"
        now = clock.now()
        cells, some = self.recount.cells(campaign, area, now), self.recount.rows_of(campaign, area)
        titles = {row["title"]: id for id, row in self.recount.tasks.items() if row["campaign_id"] == campaign}
        for row in self.csv("lights", f"/campaigns/{campaign}/board.csv?area={area}"):
            mine = cells.get(row["区域"])
            for title, task in titles.items():
                if f"{title}：亮灯" not in row:
                    continue
                light, n, done, asked = (mine or {}).get(task, ("", 0, 0, 0))
                for part, value in (("亮灯", light), ("份数", n), ("办结", done), ("应办", asked)):
                    shown = row[f"{title}：{part}"]
                    blank = not light
                    self.tally.same(where, f"{row['区域']} {title} {part}", shown, "" if blank else str(value))
            whole = self.recount.whole(some.get(row["区域"], ()))
            for part, value in zip(("通过", "待审核", "退回", "未报", "合计"), whole, strict=True):
                name = next(each for each in row if each.endswith(part) and "：" not in each)
                self.tally.same(where, f"{row['区域']} {part}", row[name], str(value))

    def slowest(self) -> None:
        """The assignments whose next step has been due the longest, in their order."""
        for campaign in self.recount.campaigns:
            for area in self.upper:
                rows = self.csv("slowest", f"/campaigns/{campaign}/board/slowest.csv?area={area}")
                expected = self.recount.slow(campaign, area)
                where = f"slowest of {campaign} in {area}"
                shown = [(row["单位"], row["任务"]) for row in rows if "单位" in row]
                self.tally.same(where, "rows", shown, expected[: len(shown)] if shown else expected)
                self.tally.same(where, "number", len(shown), min(25, len(expected)))

    def units(self) -> None:
        """The page of every unit that has any of the walk: its metrics with all units below it."""
        count = self.recount
        units = {row["unit_id"] for task in count.tasks.values() if task["campaign_id"] in self.walked
                 for row in count.of_task[task["id"]]}  # fmt: skip
        for unit in sorted(units):
            fact = count.units[unit]
            for row in self.csv("units", f"/units/{unit}/metrics.csv"):
                named = [id for (campaign, task, name), id in self.byname.items()
                         if (task, name) == (row["任务"], row["指标"]) and campaign in self.walked]  # fmt: skip
                for metric in named:
                    expected = count.expected(metric, fact["area_id"], fact["line"])
                    candidates = [id for (_c, task, name), id in self.byname.items()
                                  if (task, name) == (row["任务"], row["指标"])]  # fmt: skip
                    self._unit_row(f"units {unit}, metric {metric}", candidates, fact, row, expected, metric)

    def _unit_row(
        self, where: str, candidates: list[int], unit: Any, row: Row, expected: Expected, metric: int
    ) -> None:
        """Two plans ask the same figure under the same name: the row is that of one of them."""
        tries = []
        for id in candidates:
            mine = Tally()
            other = Boards(self.reader, self.recount, mine, self.tables)
            wanted = self.recount.expected(id, unit["area_id"], unit["line"])
            money = other.money_of(id)
            for name, value in (("目标", wanted.target), ("阶段目标", wanted.by_now), ("已通过", wanted.approved)):
                mine.near(where, name, decimal(row[name]), value if value is None else value / money)
            other._share(where, row, wanted)
            mine.same(where, "达标情况", row["达标情况"], wanted.stand)
            other._cover(where, row, wanted)
            tries.append(mine)
        best = min(tries, key=lambda each: len(each.wrong))
        self.tally.compared["units"] += sum(best.compared.values())
        self.tally.wrong += best.wrong

    def trees(self) -> None:
        """The tree of each target: what everybody was given, gave out, holds back; where it grew."""
        count = self.recount
        for metric, fact in count.metrics.items():
            campaign = count.campaign_of(metric)
            if campaign not in self.walked:
                continue
            path = f"/campaigns/{campaign}/tasks/{fact['task_id']}/targets.csv?metric={metric}"
            expected = count.tree(metric)
            rows = self.csv("trees", path)
            where = f"trees of metric {metric}"
            self.tally.same(where, "rows", len(rows), len(expected))
            for row in rows:
                target, given, reserve, pieces = expected[row["单位"]]
                gap = None if given is None or target is None else target - given - reserve
                grown = None if given is None or not target or given <= target else (given - target) / target * 100
                for name, value in (("目标", target), ("已分解", given), ("预留", reserve), ("未分解", gap)):
                    told = None if value is None or (given is None and name != "目标") else value
                    self.tally.near(where, f"{row['单位']} {name}", decimal(row[name]), told)
                self.tally.near(where, f"{row['单位']} grown", decimal(row["层层加码幅度"]), grown, TENTH)
                self.tally.same(where, f"{row['单位']} pieces", row["下级单位数"], str(pieces or ""))

    def comparisons(self) -> None:
        """Units side by side: their places, by figures counted here."""
        for metric in self.recount.metrics:
            if self.recount.campaign_of(metric) not in self.walked:
                continue
            for area in self.upper:
                if self.recount.areas[area]["level"] == 4:
                    continue
                line = self.recount.lines[self.recount.metrics[metric]["task_id"]][0]
                path = f"/metrics/{metric}/comparison.csv?area={area}&line={LINES[line]}"
                rows = self.csv("compared", path)
                where = f"compared metric {metric} in {area}"
                for row in rows:
                    expected = self.recount.place(metric, area, line, row["区域"])
                    shown = next(text for name, text in row.items() if "名次" in name or name == "位次")
                    self.tally.same(where, row["区域"], shown, "" if expected is None else str(expected))

    def named(self) -> None:
        """Every unit that lacks something, by name, with what it must reach by now and what it reported."""
        compare_names(self)

    def quotas(self) -> None:
        """What each unit that is open must reach for each person of a register."""
        compare_quotas(self)

    def sheets(self) -> None:
        """The xlsx of a page holds what its CSV holds, cell by cell."""
        for campaign in self.walked:
            for area in self.upper:
                for page in ("board", "board/figures", "board/slowest"):
                    self._sheet(f"/campaigns/{campaign}/{page}", f"area={area}")
        for metric in self.recount.metrics:
            if self.recount.campaign_of(metric) in self.walked:
                for area in self.upper[:6]:
                    self._sheet(f"/metrics/{metric}", f"area={area}")

    def _sheet(self, path: str, asked: str) -> None:
        first, second = self.reader.get(f"{path}.csv?{asked}"), self.reader.get(f"{path}.xlsx?{asked}")
        self.tally.pages["sheets"] += 1
        if first.status != second.status:
            self.tally.wrong.append(f"sheets {path}?{asked}: {first.status} and {second.status}")
        if first.status != 200:
            return
        lines = list(csv.reader(io.StringIO(first.text.removeprefix("\ufeff"))))
        sheet = openpyxl.load_workbook(io.BytesIO(second.body), data_only=True).worksheets[0]
        for at, (texts, cells) in enumerate(zip(lines, sheet.iter_rows(), strict=True)):
            for text, cell in zip(texts, cells, strict=True):
                self.tally.same(f"sheets {path}?{asked}", f"row {at} {text!r} {cell.value!r}", alike(text, cell), True)
