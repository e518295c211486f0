"""The reporting part of the walk: officers sign for their tasks and report, reviewers return and approve, officers
correct, dispatchers reopen and cancel, units say that a task does not apply. Everything goes through the pages' forms.
"""

import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from random import Random
from threading import Lock

from PIL import Image

from .walk_people import Answer, Form, Tables, Visitor

OFFICER, SUPERVISOR, DISPATCHER = 1, 2, 3
ISSUED, ACKNOWLEDGED, SUBMITTED, RETURNED, APPROVED = 1, 2, 3, 4, 5
AMOUNT, RATE, BOOLEAN = 2, 3, 4
PHOTO = 2
NEVER_SIGNED, ONLY_SIGNED, NOT_APPLICABLE, WITHDRAWN = 0.05, 0.05, 0.02, 0.02
LEFT_LYING = 0.25  # of what came back: not corrected
LANES = 6  # people who act at the same time
WHY = "镇级核实时发现名册与台账口径不一致，请补充说明后再报。"


@dataclass
class Crowd:
    """Everybody who acts by plain requests, and what they did."""

    address: str
    tables: Tables
    seed: int
    visitors: dict[str, Visitor] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def visitor(self, login: str) -> Visitor:
        """That person, signed in."""
        if login not in self.visitors:
            self.visitors[login] = Visitor(self.address, login)
        return self.visitors[login]

    def note(self, what: str, n: int = 1) -> None:
        """Counts something that was done."""
        with self.lock:
            self.done[what] += n

    def kept(self, what: str, answer: Answer) -> bool:
        """Counts an act that was kept; notes one that was refused."""
        if answer.status == 303:
            self.note(what)
            return True
        self.note(f"{what}, refused")
        self.refused.append(f"{what}: {answer.status} {_words(answer)}")
        return False

    def together(self, acts: Iterable[tuple[str | None, Callable[[Visitor], None]]]) -> None:
        """Everybody does what is theirs, one after the other; several people at the same time."""
        of_each: dict[str, list[Callable[[Visitor], None]]] = defaultdict(list)
        for login, act in acts:
            if login is not None:
                of_each[login].append(act)

        def works(login: str) -> None:
            visitor = self.visitor(login)
            for act in of_each[login]:
                act(visitor)

        with ThreadPoolExecutor(LANES) as lanes:
            list(lanes.map(works, of_each))

    def officers_report(self, assignments: Iterable[int]) -> None:
        """Each assignment comes as far as chance has it."""
        acts = []
        for id in assignments:
            unit, task = self.tables.rows("SELECT unit_id, task_id FROM assignment WHERE id = ?", id)[0]
            if self.fate(id).random() >= NEVER_SIGNED:
                acts.append((self.tables.holder(unit, OFFICER), partial(self._take_in_hand, id, task)))
        self.together(acts)

    def fate(self, id: int) -> Random:
        """The chance of one assignment: the same in every walk."""
        return Random(f"{self.seed}-{id}")

    def _take_in_hand(self, id: int, task: int, officer: Visitor) -> None:
        chance, place = self.fate(id), f"/assignments/{id}"
        fate = chance.random() - NEVER_SIGNED
        page = officer.get(place)
        if page.has_form("/acknowledge"):
            self.kept("signed for", officer.send(page.form("/acknowledge"), {}))
        if fate < ONLY_SIGNED:
            return
        fate -= ONLY_SIGNED
        if fate < NOT_APPLICABLE:
            page = officer.get(f"{place}/request/not-applicable")
            if page.has_form("/not-applicable"):
                form = page.form("/not-applicable")
                self.kept("said not applicable", officer.send(form, {"reason": "本单位没有这类组织，此项任务不适用。"}))
            return
        self.report(officer, id, task, chance)
        if fate < NOT_APPLICABLE + WITHDRAWN and officer.get(place).has_form("/withdraw"):
            self.kept("withdrawn", officer.send(officer.get(place).form("/withdraw"), {}))

    def report(self, officer: Visitor, id: int, task: int, chance: Random) -> None:
        """Fills in the form of a report and submits it; what is doubted is explained and sent again."""
        page = officer.get(f"/assignments/{id}")
        if not page.has_form("/submit"):
            self.refused.append(f"assignment {id} has no form")
            return
        form = page.form("/submit")
        again = bool(form.names("files"))
        given = self._figures(form, task, chance)
        given |= {"words": f"已按要求办理，台账编号 {id}-{chance.randint(1, 999)}，材料附后。", "money": "yuan"}
        files = {}
        rules = self.tables.rows("SELECT id, kind FROM evidence_rule WHERE task_id = ? AND min_count > 0", task)
        for rule in () if again else rules:
            files[f"file-{rule['id']}"] = _file(rule["kind"], f"{id}-{rule['id']}")
        answer = officer.send(form, given, files)
        if answer.status == 422:
            doubted = answer.form("/submit")
            said: dict[str, str | list[str]] = dict.fromkeys(doubted.names("explain-"), "经逐户核对，数字属实。")
            self.note("explained", bool(said))
            answer = officer.send(doubted, said)
        self.kept("submitted again" if again else "submitted", answer)

    def _figures(self, form: Form, task: int, chance: Random) -> dict[str, str | list[str]]:
        """A figure for every field of the form."""
        given: dict[str, str | list[str]] = {}
        names = {name for name, _value in form.fields} | set(form.choices)
        for id, kind in self.tables.rows("SELECT id, kind FROM metric WHERE task_id = ?", task):
            name = f"metric-{id}"
            if kind == RATE:
                whole = chance.randint(5, 60)
                given |= {
                    f"{name}-numerator": str(chance.randint(whole // 2, whole)),
                    f"{name}-denominator": str(whole),
                }
            elif kind == BOOLEAN:
                given[name] = chance.choice(("1", "1", "1", "0"))
            elif kind == AMOUNT:
                given[name] = f"{chance.randint(100, 2_000_000)}.{chance.randint(0, 99):02}"
            else:
                number = chance.randint(0, 40)
                given[name] = str(number)
                for joint in (each for each in names if each.startswith(f"joint-{id}-")):
                    part = chance.choice((0, 0, number // 3))
                    given[joint] = str(part) if part else ""
                    self.note("joint figures", bool(part))
        return given

    def reviewers_decide(self, campaigns: str, turn: int, *, returns: float, spared: Iterable[int] = ()) -> int:
        """Every unit where something waits: some of it goes back, the rest is approved together. How many waited."""
        query = (
            "SELECT a.reviewer_unit_id AS unit, a.id FROM assignment a JOIN task t ON t.id = a.task_id"
            f" WHERE a.state = 3 AND t.campaign_id IN ({campaigns}) ORDER BY 1, 2"
        )
        waiting: dict[int, list[int]] = {}
        for unit, id in self.tables.rows(query):
            waiting.setdefault(unit, []).append(id)
        acts = []
        for unit, ids in waiting.items():
            if unit not in spared:
                acts.append((self.tables.holder(unit, SUPERVISOR), partial(self._decide, unit, ids, returns, turn)))
        self.together(acts)
        return sum(map(len, waiting.values()))

    def _decide(self, unit: int, ids: list[int], returns: float, turn: int, judge: Visitor) -> None:
        chance = Random(f"{self.seed}-{turn}-{unit}")
        for id in ids:
            if chance.random() < returns:
                self._return(judge, id, chance)
        page = judge.get("/reviews/many")
        if page.has_form("/reviews/many"):
            self.kept("approved together", judge.send(page.form("/reviews/many"), {}))
        for (id,) in self.tables.rows("SELECT id FROM assignment WHERE state = 3 AND reviewer_unit_id = ?", unit):
            if id in ids:
                self._approve(judge, id)

    def _return(self, judge: Visitor, id: int, chance: Random) -> None:
        page = judge.get(f"/reviews/{id}")
        if page.has_form("/return"):
            form = page.form("/return")
            reason = chance.choice(form.choices["reason"])
            self.kept("returned", judge.send(form, {"reason": reason, "words": "材料与数字对不上，请核对后再报。"}))

    def _approve(self, judge: Visitor, id: int) -> None:
        """One by one, what was left out when many were approved: for a flag, say."""
        page = judge.get(f"/reviews/{id}")
        if page.has_form("/approve"):
            self.kept("approved singly", judge.send(page.form("/approve"), {}))

    def officers_correct(self, campaigns: str, turn: int) -> None:
        """What came back is mended and sent again; some of it stays lying."""
        query = (
            "SELECT a.id, a.unit_id, a.task_id FROM assignment a JOIN task t ON t.id = a.task_id"
            f" WHERE a.state = 4 AND t.campaign_id IN ({campaigns})"
        )
        acts = []
        for id, unit, task in self.tables.rows(query):
            chance = Random(f"{self.seed}-{turn}-{id}")
            if chance.random() >= LEFT_LYING:
                acts.append((self.tables.holder(unit, OFFICER), partial(self.report, id=id, task=task, chance=chance)))
        self.together(acts)

    def requests_decided(self) -> None:
        """Who is asked whether a task applies agrees."""
        for id, unit in self.tables.rows("SELECT id, unit_id FROM request WHERE decided_at IS NULL AND kind = 3"):
            judge = self.tables.holder(unit, DISPATCHER) or self.tables.holder(unit, SUPERVISOR)
            if judge is None:
                continue
            visitor = self.visitor(judge)
            page = visitor.get(f"/requests/{id}")
            if page.has_form("/decide"):
                given: dict[str, str | list[str]] = {"decision": "grant", "words": "情况属实，同意不适用。"}
                self.kept("found not applicable", visitor.send(page.form("/decide"), given))

    def dispatchers_undo(self, login: str, campaign: int, *, reopened: int, cancelled: int) -> None:
        """The issuer gives some of what was approved back to work, and cancels some of what is open."""
        dispatcher = self.visitor(login)
        for state, most, act in ((APPROVED, reopened, "reopen"), (ACKNOWLEDGED, cancelled, "cancel")):
            query = (
                "SELECT a.id FROM assignment a JOIN task t ON t.id = a.task_id JOIN unit u ON u.id = a.unit_id"
                " WHERE t.campaign_id = ? AND a.state = ? ORDER BY u.level, a.id"
            )
            found = [row[0] for row in self.tables.rows(query, campaign, state)]
            for id in self.fate(campaign).sample(found, min(most, len(found))):
                page = dispatcher.get(f"/assignments/{id}/ledger")
                if page.has_form(f"/{act}"):
                    self.kept(f"{act}ed", dispatcher.send(page.form(f"/{act}"), {"reason": WHY}))


def _file(kind: int, name: str) -> tuple[str, bytes]:
    """A file that is like no other: a photo, or a small table."""
    if kind == PHOTO:
        return f"{name}.jpg", photo(name)
    return f"{name}.csv", f"任务单,{name}\r\n份,1\r\n".encode()


def _words(answer: Answer) -> str:
    main = answer.text.partition("<main")[2].partition("</main>")[0]
    out, inside = [], False
    for sign in main:
        inside = sign == "<" or (inside and sign != ">")
        out.append(" " if inside or sign == ">" else sign)
    return " ".join("".join(out).split())[:300]


def photo(name: str) -> bytes:
    """A photo that is like no other: its colours are the name's."""
    stream = io.BytesIO()
    chance = Random(name)
    picture = Image.new("RGB", (48, 32))
    picture.putdata([tuple(chance.randbytes(3)) for _ in range(48 * 32)])
    picture.resize((480, 320)).save(stream, "JPEG", quality=80)
    return stream.getvalue()
