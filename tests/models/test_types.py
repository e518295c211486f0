"""Column types keep exactly what was given, in both databases, and refuse what they cannot keep."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import errors
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError, StatementError

from campaign.db import Busy, Exact, Instant, db, from_micros, micros, unit_of_work
from campaign.errors import NoSpace, Refused, say
from campaign.models import Metric, Person
from campaign.rules.metrics import MetricKind
from campaign.rules.organisation import Level
from tests import make
from tests.make import NOW

moments = st.integers(0, 4_102_358_400 * 10**6).map(from_micros)
decimals = st.decimals(-(10**13), 10**13, places=4, allow_nan=False, allow_infinity=False)


@given(moments)
def test_an_instant_survives(moment):
    assert from_micros(micros(moment)) == moment


@given(moments, st.integers(-12, 14))
def test_an_instant_is_the_same_in_every_zone(moment, hours):
    assert micros(moment.astimezone(timezone(timedelta(hours=hours)))) == micros(moment)


def test_a_naive_datetime_is_refused():
    with pytest.raises(ValueError, match="naive"):
        micros(datetime(2026, 11, 20))  # noqa: DTZ001


@given(decimals)
def test_a_decimal_of_four_places_survives(number):
    kind = Exact()
    assert kind.process_result_value(kind.process_bind_param(number, None), None) == number


@pytest.mark.parametrize("number", [Decimal("0.00001"), Decimal("1.23456")])
def test_what_four_places_cannot_hold_is_refused(number):
    with pytest.raises(ValueError, match="decimal places"):
        Exact().process_bind_param(number, None)


def test_nothing_stays_nothing():
    assert Exact().process_bind_param(None, None) is None
    assert Instant().result_processor(None, None)(None) is None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(moment=moments)
def test_the_database_gives_back_the_instant(app, moment):
    made = make.person(created_at=moment)
    db.session.expire_all()
    assert db.session.get_one(Person, made.id).created_at == moment


def test_sums_are_exact(app):
    task = make.task(make.campaign(make.unit(make.area("清河县", Level.COUNTY))))
    for text in ("0.1", "0.2", "99999999999.9999"):
        make.metric(task, MetricKind.AMOUNT, Decimal(text))
    total = db.session.scalar(select(func.sum(Metric.target)))
    assert Exact().process_result_value(int(total), None) == Decimal("100000000000.2999") or total == Decimal(
        "100000000000.2999"
    )


def test_only_members_of_the_enum_are_stored(app):
    with pytest.raises(StatementError):
        db.session.execute(select(Metric).where(Metric.kind == 99))


def test_a_unit_of_work_is_all_or_nothing(app):
    with pytest.raises(Refused), unit_of_work() as session:
        session.add(Person(login="half", name="", created_at=NOW))
        session.flush()
        raise Refused(say("Please say why, in a few words."))
    assert db.session.scalar(select(func.count()).select_from(Person)) == 1


def test_a_locked_database_is_busy_and_nothing_is_half_done(app, settings):
    if not settings.effective_database_url.startswith("sqlite"):
        return  # PostgreSQL lets writers of other rows pass
    with db.engine.begin() as other:
        other.exec_driver_sql("DELETE FROM person WHERE id < 0")
        db.session.execute(select(1)).connection.exec_driver_sql("PRAGMA busy_timeout=50")
        with pytest.raises(Busy), unit_of_work() as session:
            session.add(Person(login="late", name="", created_at=NOW))
    assert db.session.scalar(select(func.count()).select_from(Person)) == 1


@pytest.mark.parametrize(
    ("fault", "refusal"),
    [(errors.DeadlockDetected("检测到死锁"), Busy), (errors.AdminShutdown("由于管理员命令中断联接"), Busy),
     (errors.DiskFull("无法扩展文件：设备上没有空间"), NoSpace)],
)  # fmt: skip
def test_a_server_that_speaks_chinese_is_understood(app, fault, refusal):
    with pytest.raises(refusal), unit_of_work():
        raise OperationalError("UPDATE person", {}, fault)


def test_a_moment_is_read_in_utc(app):
    made = make.person(created_at=datetime(2026, 11, 20, 10, tzinfo=timezone(timedelta(hours=8))))
    db.session.expire_all()
    assert db.session.get_one(Person, made.id).created_at == datetime(2026, 11, 20, 2, tzinfo=UTC)
