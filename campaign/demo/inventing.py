"""What the demonstration's officers write, count and attach: all of it invented, the same for the same seed."""

import io
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from random import Random

from PIL import Image, ImageDraw

from ..documents.sheets import Cell, write_xlsx
from ..evidence.store import Store, Stored
from ..models import EvidenceRule, Metric, Task
from ..rules.metrics import MetricKind, Value
from ..rules.plans import EvidenceKind
from ..rules.requirements import length_of
from ..rules.states import CheckInKind, ReturnReason
from ..rules.targets import Quota

PHOTOS, DOCUMENTS = 24, 10
SIZE = (640, 480)
DONE = (
    "按照方案要求，本单位已完成“{title}”各项工作。",
    "先后召开动员会和专题会{few}次，明确了责任人和时间节点。",
    "组织干部入户走访{many}户，当面宣传政策，逐户登记造册。",
    "发放宣传资料{many}份，在公开栏张贴公示，群众反映良好。",
    "对行动不便的{few}户实行上门办理，没有让群众来回跑。",
    "与相邻单位联合开展活动{few}场，参加群众{many}人次。",
    "对照清单逐项核对，台账、照片和签到表已整理归档。",
    "下一步将做好回访，巩固成果，发现问题及时上报。",
    "建立了联系包户制度，每名干部联系{few}户。",
    "针对外出人员，通过电话和视频逐一联系，做到不漏一人。",
)
PROGRESS = {
    CheckInKind.PROGRESS: (
        "已走访{many}户，余下的本周内完成。",
        "动员会已开，名单已摸清，正在逐户登记。",
        "资料已收齐大半，预计后天可以上报。",
    ),
    CheckInKind.OBSTACLE: (
        "有{few}户外出务工，暂时联系不上，进度受影响。",
        "连日下雨，户外活动推迟，改到下周三举行。",
    ),
    CheckInKind.HELP: ("请上级协调一名指导员来村讲一次课。", "活动场地不足，请帮助协调中心小学操场。"),
}
RETURNS = {
    ReturnReason.EVIDENCE_MISSING: "缺少签到表和现场照片，请补齐后再报。",
    ReturnReason.EVIDENCE_UNCLEAR: "第一张照片看不清横幅内容，请换一张清楚的。",
    ReturnReason.FIGURES_WRONG: "人数与名册对不上，请核对后重报。",
    ReturnReason.WORDS_TOO_THIN: "只写了做了什么，没有写效果，请补充。",
}


def words_for(task: Task, chance: Random) -> str:
    """A report of a few sentences, long enough for the task."""
    first, *rest = DONE
    sentences = [first, *chance.sample(rest, len(rest))]
    text, least = "", max(task.min_characters, chance.randint(30, 90))
    while length_of(text) < least:
        sentence = sentences.pop(0) if sentences else chance.choice(DONE[1:])
        text += _filled(sentence, task, chance)
    return text


def progress_of(task: Task, chance: Random) -> tuple[CheckInKind, str]:
    """The kind and the words of a check-in; mostly progress."""
    kind = chance.choice([*[CheckInKind.PROGRESS] * 5, CheckInKind.OBSTACLE, CheckInKind.HELP])
    return kind, _filled(chance.choice(PROGRESS[kind]), task, chance)


def return_of(chance: Random) -> tuple[ReturnReason, str]:
    """Why a version comes back."""
    reason = chance.choice(list(RETURNS))
    return reason, RETURNS[reason]


def _filled(sentence: str, task: Task, chance: Random) -> str:
    return sentence.format(title=task.title, few=chance.randint(2, 9), many=chance.randint(18, 160))


def values_for(task: Task, units: int, items: Mapping[int, int], chance: Random) -> dict[int, Value]:
    """What a unit might report of every figure, parts within their whole; `items`: how many a checklist has."""
    found: dict[int, Value] = {}
    for metric in task.metrics:
        if metric.kind is MetricKind.CHECKLIST:
            ticks = ",".join(str(position) for position in range(1, items.get(metric.id, 1) + 1))
            found[metric.id] = Value(number=Decimal(1), text=ticks)
        elif metric.parent_id is None:
            found[metric.id] = value_for(metric, units, chance)
    for whole in task.metrics:
        parts = [metric for metric in task.metrics if metric.parent_id == whole.id]
        left = found[whole.id].number if whole.id in found else None
        for place, part in enumerate(parts, start=1):
            left = left or Decimal(0)
            last = whole.adds_up and place == len(parts)
            number = left if last else (left * chance.randint(40, 90) / 100).to_integral_value()
            found[part.id] = Value(number=number)
            left -= number
    return found


def value_for(metric: Metric, units: int, chance: Random) -> Value:
    """A figure that a unit might report; `units`: how many share the target."""
    share = Decimal(chance.randint(70, 115)) / 100
    if metric.kind is MetricKind.RATE:
        whole = chance.randint(20, 160)
        return Value(numerator=Decimal(chance.randint(whole * 7 // 10, whole)), denominator=Decimal(whole))
    if metric.kind is MetricKind.BOOLEAN:
        return Value(number=Decimal(1))
    if metric.kind is MetricKind.TEXT:
        return Value(text="已按要求办理，详见附件。")
    aim = metric.target if metric.target else Decimal(chance.randint(2, 40))
    if metric.kind is MetricKind.AMOUNT:
        aim = aim or Decimal(chance.randint(3, 60) * 1000)
    part = aim / units if aim > 5 * units and metric.quota is Quota.TOTAL else aim
    return Value(number=(part * share).to_integral_value())


def parts_of(task: Task, units: int, chance: Random) -> dict[int, Value]:
    """What is reached on the way, of every figure that counts up to a target: for some too little, for some enough."""
    found: dict[int, Value] = {}
    for metric in task.metrics:
        if metric.kind in (MetricKind.COUNT, MetricKind.AMOUNT) and metric.target and metric.target > 5:
            whole = value_for(metric, units, chance).number or Decimal(0)
            found[metric.id] = Value(number=(whole * chance.randint(10, 80) / 100).to_integral_value())
    return found


class Cupboard:
    """The files that officers attach: a few photos and lists, made once and kept in the store."""

    def __init__(self, store: Store, chance: Random) -> None:
        self.photos = [store.put(_photo(chance), name="photo.jpg") for _number in range(PHOTOS)]
        self.documents = [store.put(_list_of_names(chance), name="list.xlsx") for _number in range(DOCUMENTS)]

    def pick(self, rule: EvidenceRule, but: set[str], chance: Random, now: datetime) -> list[tuple[Stored, str]]:
        """Files that satisfy the rule, with the names they were sent under; none of those left out by their hash."""
        wants_photo = rule.kind is EvidenceKind.PHOTO or (rule.kind is EvidenceKind.ANY and chance.random() < 0.7)
        shelf = [stored for stored in (self.photos if wants_photo else self.documents) if stored.sha256 not in but]
        chosen = chance.sample(shelf, max(rule.min_count, 1))
        if wants_photo:
            return [(stored, f"IMG_{now:%Y%m%d}_{chance.randint(800, 1759):04d}.jpg") for stored in chosen]
        return [(stored, f"{rule.name}.xlsx") for stored in chosen]


def _photo(chance: Random) -> io.BytesIO:
    """A drawn yard: sky, ground, houses, people. No photograph of anybody."""
    shade = chance.randint(-25, 25)
    picture = Image.new("RGB", SIZE, (168 + shade, 198 + shade, 222 + shade // 2))
    draw = ImageDraw.Draw(picture)
    horizon = chance.randint(230, 300)
    draw.rectangle((0, horizon, *SIZE), fill=(150 + shade, 158 + shade, 112))
    for _house in range(chance.randint(2, 4)):
        left, width, height = chance.randint(-40, 560), chance.randint(110, 220), chance.randint(80, 150)
        wall = chance.choice([(214, 196, 170), (196, 120, 96), (226, 222, 212)])
        draw.rectangle((left, horizon - height, left + width, horizon + 20), fill=wall)
        roof = [(left - 14, horizon - height), (left + width // 2, horizon - height - 55)]
        draw.polygon([*roof, (left + width + 14, horizon - height)], fill=(122, 62, 48))
        draw.rectangle((left + width // 2 - 16, horizon - 46, left + width // 2 + 16, horizon + 20), fill=(86, 66, 52))
    draw.rectangle((120, horizon - 30, 520, horizon + 8), fill=(176, 32, 40))
    for _person in range(chance.randint(4, 9)):
        x, y = chance.randint(40, 600), chance.randint(horizon + 40, 400)
        coat = tuple(chance.randint(40, 190) for _part in range(3))
        draw.ellipse((x - 11, y - 34, x + 11, y - 12), fill=(222, 184, 150))
        draw.rounded_rectangle((x - 17, y - 12, x + 17, y + 48), 8, fill=coat)
    kept = io.BytesIO()
    picture.save(kept, "JPEG", quality=78)
    kept.seek(0)
    return kept


def _list_of_names(chance: Random) -> io.BytesIO:
    households = range(1, chance.randint(12, 40))
    rows: list[list[Cell]] = [[number, f"第{number}户", chance.randint(1, 6)] for number in households]
    return io.BytesIO(write_xlsx("名册", ["序号", "户别", "人数"], rows))
