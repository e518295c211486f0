"""THE TIMETABLE: one line per job: name, what it runs, how often, and why that often."""

from datetime import timedelta

from . import archives, asking, deliver, keep, periods, spell, sweep
from .runner import Job

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)

TIMETABLE: tuple[Job, ...] = (
    Job("remind", sweep.remind, SECOND, "a reminder should come within seconds of its time"),
    Job("escalate", sweep.escalate, SECOND, "so should an escalation"),
    Job("open_periods", periods.open_periods, MINUTE, "a period opens with its day; asking costs one statement"),
    Job("fold", keep.fold, 2 * SECOND, "boards add what is pending; folding keeps that little"),
    Job("bring_milestones", keep.bring_milestones, MINUTE, "a milestone counts until its day is over"),
    Job("seal", keep.seal, 10 * SECOND, "the shorter the unsealed tail, the less can be altered unseen"),
    Job("deliver", deliver.deliver, 10 * SECOND, "mail is not a chat; ten seconds gather a digest"),
    Job("record_states", keep.record_states, 60 * MINUTE, "an hour is fine enough for any curve that people read"),
    Job("ask_above", asking.ask_above, 5 * MINUTE, "after three working days five minutes are soon enough"),
    Job("make_archives", archives.make_archives, 10 * SECOND, "who asked for a ledger waits for a sign of life"),
    Job("spell", spell.spell, 5 * MINUTE, "a new name is looked for by its characters meanwhile"),
    Job("tidy", keep.tidy, 60 * MINUTE, "temporary files may lie for an hour"),
)
JOBS = {job.name: job for job in TIMETABLE}
