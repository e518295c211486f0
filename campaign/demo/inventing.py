"""What the demonstration's officers write, count and attach: all of it invented, the same for the same seed."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

from PIL import ExifTags, Image, ImageDraw

from ..clock import zone
from ..documents.sheets import Cell, write_xlsx
from ..evidence.pictures import Looked, look
from ..evidence.store import Store, Stored
from ..models import EvidenceRule, Metric, Task
from ..rules.metrics import MetricKind, Value
from ..rules.plans import EvidenceKind
from ..rules.requirements import length_of
from ..rules.states import CheckInKind, ReturnReason
from ..rules.targets import Quota

USED_AGAIN, SENT_SMALLER = 60, 70  # one photo of so many was sent before, one of so many is another one made smaller
SIZE, SMALLER = (480, 360), (360, 270)
FIRST = (
    "按照方案要求，“{title}”已经完成，现将情况报送如下。", "“{title}”的工作告一段落，办结情况如下。",
    "对照任务单，“{title}”各项内容均已落实。", "“{title}”已办结，以下是主要做法。",
)  # fmt: skip
# A sentence is one of each, so that two villages hardly ever write the same.
WHO = (
    "村妇联执委", "包片干部", "退休教师和老党员", "返乡青年志愿者", "网格员", "村民小组长", "社区工作者",
    "驻村工作队员", "镇里派来的指导员", "巾帼志愿者",
)  # fmt: skip
DEEDS = (
    "入户走访{many}户", "召开院坝会{few}场", "逐户登记造册{many}户", "在集市设咨询台接待{many}人次",
    "打电话联系外出人员{many}人", "发放宣传资料{many}份", "陪同{few}户到镇上办理手续", "核对旧台账{few}本",
    "到田间地头讲解{few}次", "帮助{many}人填写表格", "组织集中学习{few}次", "走访企业和合作社{few}家",
)  # fmt: skip
WAYS = (
    "白天不误农活，都安排在晚上", "行动不便的上门办理", "当天的问题当天答复", "结果在公开栏公示一周",
    "照片和签到表一并归档", "遇到分歧请老支书出面调解", "有困难的家庭先办后补材料", "场地由小学提供",
    "下雨天改在礼堂进行", "用大喇叭提前一天通知", "名单由群众代表复核", "与邻村合办，省了一半开支",
)  # fmt: skip
EFFECTS = (
    "群众反映良好", "没有一户遗漏", "余下的两周内回访", "老问题解决了大半", "参加的人比去年多", "群众评议满意",
    "经验在镇里例会上作了介绍", "年轻人也愿意来了", "账目清楚，查找方便", "没有发生纠纷", "后续由专人盯着",
    "发现的问题已报镇里",
)  # fmt: skip
AN_HOUR = timedelta(hours=1)
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
    least = max(task.min_characters, chance.randint(70, 130))
    text = _filled(chance.choice(FIRST), task, chance)
    while length_of(text) < least:
        parts = (chance.choice(WHO) + chance.choice(DEEDS), chance.choice(WAYS), chance.choice(EFFECTS))
        text += _filled("，".join(parts) + "。", task, chance)
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


def values_for(
    task: Task, units: int, items: Mapping[int, int], chance: Random, aims: Mapping[int, Decimal]
) -> dict[int, Value]:
    """What a unit might report of every figure, parts within their whole. `items`: how many a checklist has; `aims`:
    what the unit itself must reach, by metric."""
    found: dict[int, Value] = {}
    for metric in task.metrics:
        if metric.kind is MetricKind.CHECKLIST:
            ticks = ",".join(str(position) for position in range(1, items.get(metric.id, 1) + 1))
            found[metric.id] = Value(number=Decimal(1), text=ticks)
        elif metric.parent_id is None:
            found[metric.id] = value_for(metric, units, chance, aims.get(metric.id))
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


def astonish(task: Task, values: dict[int, Value], number: int) -> dict[str, str]:
    """Of every eighth report one figure is odd, as it happens: a part above its whole. Half of the officers say why."""
    part = next((metric for metric in task.metrics if metric.parent_id in values and metric.id in values), None)
    if part is None or part.parent_id is None or number % 8:
        return {}
    values[part.id] = Value(number=(values[part.parent_id].number or Decimal(0)) + 2)
    return {} if number % 16 else {f"part-above-whole-{part.id}": "含到本村参加活动的外村人员"}


def value_for(metric: Metric, units: int, chance: Random, own: Decimal | None = None) -> Value:
    """A figure that a unit might report. `own`: what it must reach itself; else `units` share the target."""
    share = Decimal(chance.randint(70, 115)) / 100
    if metric.kind is MetricKind.RATE:
        whole = chance.randint(20, 160)
        return Value(numerator=Decimal(chance.randint(whole * 7 // 10, whole)), denominator=Decimal(whole))
    if metric.kind is MetricKind.BOOLEAN:
        return Value(number=Decimal(1))
    if metric.kind is MetricKind.TEXT:
        return Value(text="已按要求办理，详见附件。")
    if own is not None:
        return Value(number=_round(own * share, metric))
    aim = metric.target if metric.target else Decimal(chance.randint(2, 40)).scaleb(metric.money_places)
    part = aim / units if aim > 5 * units and metric.quota is Quota.TOTAL else aim
    return Value(number=_round(part * share, metric))


def _round(number: Decimal, metric: Metric) -> Decimal:
    """As somebody would write it: whole, money to a hundredth of what it is told in."""
    step = max(metric.money_places - 2, 0)
    return number.scaleb(-step).to_integral_value().scaleb(step)


def parts_of(task: Task, units: int, chance: Random, aims: Mapping[int, Decimal]) -> dict[int, Value]:
    """What is reached on the way, of every figure that counts up to a target: for some too little, for some enough."""
    found: dict[int, Value] = {}
    for metric in task.metrics:
        if metric.kind in (MetricKind.COUNT, MetricKind.AMOUNT) and metric.target and metric.target > 5:
            whole = value_for(metric, units, chance, aims.get(metric.id)).number or Decimal(0)
            found[metric.id] = Value(number=_round(whole * chance.randint(10, 55) / 100, metric))
    return found


@dataclass(frozen=True)
class Piece:
    """A kept file, what was seen in it, and the name it was sent under."""

    stored: Stored
    looked: Looked
    name: str


class Cupboard:
    """The files that officers attach, one made for every use, but for the few photos that are sent twice."""

    def __init__(self, store: Store, chance: Random) -> None:
        self.store = store
        self.photos: list[Image.Image] = []
        self.sent: list[tuple[Stored, Looked]] = []

    def pick(self, rule: EvidenceRule, but: set[str], chance: Random, now: datetime) -> list[Piece]:
        """Files that satisfy the rule, with the names they were sent under; none of those left out by their hash."""
        many = max(rule.min_count, 1)
        wants_photo = rule.kind is EvidenceKind.PHOTO or (rule.kind is EvidenceKind.ANY and chance.random() < 0.7)
        if not wants_photo:
            lists = [self.store.put(_list_of_names(chance), name="list.xlsx") for _number in range(many)]
            return [Piece(stored, Looked(), f"{rule.name}.xlsx") for stored in lists]
        chosen: list[tuple[Stored, Looked]] = []
        for _number in range(many):
            chosen.append(self._photo(but | {stored.sha256 for stored, _looked in chosen}, rule.in_time, chance, now))
        return [
            Piece(stored, looked, f"IMG_{now:%Y%m%d}_{chance.randint(800, 1759):04d}.jpg") for stored, looked in chosen
        ]

    def _photo(self, but: set[str], timed: bool, chance: Random, now: datetime) -> tuple[Stored, Looked]:
        """A new one, mostly; else one that was sent before, or a smaller copy of one."""
        again = [sent for sent in self.sent if sent[0].sha256 not in but]
        if again and not timed and not chance.randrange(USED_AGAIN):
            return again[0]
        if self.photos and not but and not chance.randrange(SENT_SMALLER):
            picture = self.photos[0].resize(SMALLER)
        else:
            picture = _yard(chance)
            self.photos = [*self.photos[-3:], picture]
        taken = _taken(picture, now)
        stored = self.store.put(taken, name="photo.jpg")
        looked = look(self.store, taken, stored, zone=zone(), wait=True)
        self.sent = [*self.sent[-8:], (stored, looked)]
        return stored, looked


SKIES = ((168, 198, 222), (206, 214, 218), (226, 206, 178), (110, 138, 172), (240, 240, 236), (66, 78, 104))
GROUNDS = (
    (150, 158, 112),
    (168, 148, 122),
    (186, 186, 182),
    (96, 116, 74),
    (120, 100, 84),
    (226, 228, 226),
    (70, 72, 66),
)
HILLS = ((96, 128, 88), (70, 98, 84), (132, 146, 120), (110, 104, 92))
COATS = ((46, 62, 92), (120, 44, 48), (66, 84, 70), (150, 128, 96), (88, 88, 96), (176, 150, 60), (40, 40, 44))


def _near(colour: tuple[int, int, int], chance: Random) -> tuple[int, int, int]:
    """That colour in another light."""
    by = chance.randint(-22, 22)
    red, green, blue = (min(255, max(0, part + by + chance.randint(-6, 6))) for part in colour)
    return red, green, blue


def _yard(chance: Random) -> Image.Image:
    """A drawn yard, street or room: ground, houses, hills, people. No photograph of anybody."""
    wide, high = SIZE
    picture = Image.new("RGB", SIZE, _near(chance.choice(SKIES), chance))
    draw = ImageDraw.Draw(picture)
    horizon = chance.randint(high // 4, high * 4 // 5)
    draw.rectangle((0, horizon, *SIZE), fill=_near(chance.choice(GROUNDS), chance))
    for _hill in range(chance.randint(0, 3)):
        x, size = chance.randint(0, wide), chance.randint(40, 190)
        hill = _near(chance.choice(HILLS), chance)
        draw.ellipse((x - size, horizon - size // 2, x + size, horizon + size // 2), fill=hill)
    for _house in range(chance.randint(1, 5)):
        left, width, height = chance.randint(-60, wide - 40), chance.randint(50, 210), chance.randint(40, 200)
        shade = chance.randint(20, 245)
        draw.rectangle(
            (left, horizon - height, left + width, horizon + 15), fill=(shade, shade * 4 // 5, shade * 3 // 4)
        )
        roof = [(left - 10, horizon - height), (left + width // 2, horizon - height - chance.randint(15, 60))]
        draw.polygon([*roof, (left + width + 10, horizon - height)], fill=(chance.randint(40, 190), 62, 48))
    banner = chance.randint(20, high - 60)
    draw.rectangle((chance.randint(0, 160), banner, chance.randint(220, wide), banner + 26), fill=(176, 32, 40))
    for _person in range(chance.randint(2, 11)):
        x, y, tall = chance.randint(20, wide - 20), chance.randint(horizon - 20, high - 20), chance.randint(12, 46)
        coat = _near(chance.choice(COATS), chance)
        draw.ellipse((x - tall // 4, y - tall, x + tall // 4, y - tall // 2), fill=(222, 184, 150))
        draw.rounded_rectangle((x - tall // 3, y - tall // 2, x + tall // 3, y + tall), 6, fill=coat)
    return picture


def _taken(picture: Image.Image, now: datetime) -> io.BytesIO:
    """The picture as a phone keeps it, taken an hour before."""
    taken = (now - AN_HOUR).astimezone(ZoneInfo(zone()))
    notes = Image.Exif()
    notes.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = f"{taken:%Y:%m:%d %H:%M:%S}"
    kept = io.BytesIO()
    picture.save(kept, "JPEG", quality=78, exif=notes)
    kept.seek(0)
    return kept


def _list_of_names(chance: Random) -> io.BytesIO:
    households = range(1, chance.randint(12, 40))
    rows: list[list[Cell]] = [[number, f"第{number}户", chance.randint(1, 6)] for number in households]
    return io.BytesIO(write_xlsx("名册", ["序号", "户别", "人数"], rows))
