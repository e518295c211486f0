"""Vague targets: words of a plan that sound like a target and name no figure, as 大部分 and 较大幅度."""

from dataclasses import dataclass
from decimal import Decimal

# The longer word first where one holds the other. 普遍 and 全部 mean each of them: a figure of 100 per cent.
ALL_OF_THEM = ("普遍", "全部", "全面", "全覆盖")
VAGUE_WORDS = (
    "绝大部分", "大部分", "绝大多数", "大多数", "多数", "较大幅度", "大幅度", "大幅", "明显", "显著", "较大", "较快",
    "进一步", "不断", "逐步", "基本", "一大批", "一批", "若干", "力度", *ALL_OF_THEM,
)  # fmt: skip


@dataclass(frozen=True)
class Aim:
    """What is said of a metric's target. `word`: the plan's own word, where somebody wrote it down."""

    name: str
    note: str
    word: str
    target: Decimal | None
    measurable: bool


def vague_word(*texts: str) -> str:
    """The first vague word in the texts, '' where there is none."""
    return next((word for text in texts for word in VAGUE_WORDS if word in text), "")


def undecided(aim: Aim) -> str:
    """The vague word that stands where a figure should: '' when a figure is given, when the metric is marked as not
    measurable, or when nothing vague is said. A metric with such a word holds up the issue."""
    if aim.target is not None or not aim.measurable:
        return ""
    return aim.word or vague_word(aim.name, aim.note)
