"""What quotas for each person of a register ask of each unit, counted again along the tree of the campaign's day."""

from typing import Any

from .walk_recount import PER_PERSON, Recount

AMOUNT, FEN, WHOLE = 2, 100, 10_000  # a kind of figure; its least part, and that of any other, as stored
FINISHED = (5, 6, 8)  # states in which an assignment keeps the target that it was finished under


def compare_quotas(boards: Any) -> None:
    """The target of every open assignment of such a metric beside the number of heads in its register. Where somebody
    granted another target on request, that one stands."""
    count, tally = boards.recount, boards.tally
    granted = "SELECT assignment_id, metric_id FROM target WHERE request_id IS NOT NULL"
    spared = {(row[0], row[1]) for row in boards.tables.rows(granted)}
    for metric, fact in count.metrics.items():
        if fact["quota"] != PER_PERSON or fact["register_id"] is None:
            continue
        counts = counted(boards.tables, fact["register_id"])
        for each in count.of_task[fact["task_id"]]:
            if each["state"] in FINISHED or (each["id"], metric) in spared:
                continue
            n = heads(count, counts, count.campaign_of(metric), each["unit_id"])
            step = FEN if fact["kind"] == AMOUNT else WHOLE
            wanted = None if n is None else -(-fact["target"] * (n // WHOLE) // step) * step
            shown = count.goals.get((each["id"], metric))
            tally.same(f"quotas of metric {metric}", f"unit {each['unit_id']}", shown, wanted)


def counted(tables: Any, register: int) -> dict[int, int]:
    """The latest number of each unit in a register, as stored."""
    rows = tables.rows("SELECT unit_id, n FROM register_count WHERE register_id = ? ORDER BY version", register)
    return {row[0]: row[1] for row in rows}


def heads(count: Recount, counts: dict[int, int], campaign: int, unit: int) -> int | None:
    """The number of the unit itself; where it has none those of its line below it together, None without any."""
    if unit in counts:
        return counts[unit]
    home, line = count.units[unit]["area_id"], count.units[unit]["line"]
    below = [
        n for each, n in counts.items()
        if count.units[each]["line"] == line and home in count.way(count.units[each]["area_id"], campaign)[1:]
    ]  # fmt: skip
    return sum(below) if below else None
