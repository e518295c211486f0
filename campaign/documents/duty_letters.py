"""The responsibility letter (目标责任书): the text that is frozen and signed.

A Chinese paper whatever the reader's language. Plain text, so that it can be read without the product: the title is
the first line, a heading begins with its number, the cells of the table of targets are divided by tabs.
"""

import hashlib
from datetime import date, datetime
from decimal import Decimal

from ..models.duties import Aim, Duty
from ..rules.dates import local_day
from ..rules.metrics import MONEY_UNITS, Comparator, MetricKind, money_in

ORDER = "一二三四五六七八九"
BOUNDS = {
    Comparator.AT_LEAST: "不低于",
    Comparator.AT_MOST: "不超过",
    Comparator.EQUAL: "达到",
    Comparator.MORE_THAN: "超过",
}
PLAIN = {MetricKind.BOOLEAN: "完成", MetricKind.CHECKLIST: "逐项具备", MetricKind.TEXT: "书面报告"}


def letter_text(duty: Duty, zone: str) -> str:
    """The whole letter but its number and its signatures. The same duty gives the same text."""
    number = f"（{duty.number}）" if duty.number else ""
    parts = [
        ("任务内容", [_ended(duty.title), *([_ended(duty.what)] if duty.what.strip() else [])]),
        ("责任目标", _table(duty.aims)),
        ("完成期限", [_dates(duty, zone)]),
        ("双方责任", [
            "甲方：负责部署、指导和督促，及时审核乙方报送的材料，协调解决乙方反映的困难。",
            "乙方：负责按期保质完成上述目标，如实报送数据和佐证材料，对其真实性负责。"
            + (f"具体责任人：{duty.in_charge}。" if duty.in_charge else ""),
        ]),
        ("附则", [
            "本责任书经双方签署后生效。目标或期限调整时另行签订新号责任书，原责任书存档备查。",
        ]),
    ]  # fmt: skip
    lines = [
        f"{duty.campaign}目标责任书",
        f"为落实{duty.issuer}印发的《{duty.campaign}》{number}，明确责任，"
        f"{duty.above}（以下称甲方）与{duty.below}（以下称乙方）签订本责任书。",
    ]
    for at, (heading, said) in enumerate(part for part in parts if part[1]):
        lines += [f"{ORDER[at]}、{heading}", *said]
    return "\n".join(" ".join(line.split(" ")) for line in lines)


def digest_of(content: str) -> str:
    """SHA-256 of the text, which every signature names."""
    return hashlib.sha256(content.encode()).hexdigest()


def target_words(aim: Aim) -> str:
    """What must be reached, as the paper says it."""
    if aim.kind in PLAIN:
        return PLAIN[aim.kind]
    if aim.target is None:
        return "据实报送"
    if aim.target == 0 and aim.comparator is Comparator.AT_LEAST:
        return "不作要求"  # at least nothing
    return f"{BOUNDS.get(aim.comparator, '')}{_figure(aim, aim.target)}"


def _figure(aim: Aim, value: Decimal) -> str:
    if aim.kind is MetricKind.AMOUNT:
        return f"{_plain(money_in(value, aim.money_places))}{MONEY_UNITS[aim.money_places]}"
    if aim.kind is MetricKind.RATE:
        return f"{_plain(value)}%"
    return f"{_plain(value)}{aim.unit_of_measure}"


def _plain(value: Decimal) -> str:
    text = format(value, ",f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _table(aims: tuple[Aim, ...]) -> list[str]:
    if not aims:
        return []
    rows = ["序号\t指标\t目标"]
    for at, aim in enumerate(aims, 1):
        said = target_words(aim)
        steps = "，".join(f"{_day(day)}前{_figure(aim, value)}" for day, value in aim.steps)
        rows.append(f"{at}\t{_cell(aim.name)}\t{said}{f'（{steps}）' if steps else ''}")
    return rows


def _dates(duty: Duty, zone: str) -> str:
    if duty.due_at is None:
        return "按工作安排推进，完成情况随时报送。"
    said = f"乙方应于{_on(duty.due_at, zone)}前完成并报送。"
    return said + (f"{_on(duty.cut_off_at, zone)}后不再受理。" if duty.cut_off_at else "")


def _on(moment: datetime, zone: str) -> str:
    return _day(local_day(moment, zone))


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _cell(text: str) -> str:
    return " ".join(text.split())


def _ended(text: str) -> str:
    said = " ".join(text.split())
    return said if said.endswith(("。", "！", "？", "；")) else f"{said}。"
