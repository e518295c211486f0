"""CLOCK: what happens when nobody asks.

A job is a line of the timetable and a few lines that call operations; it holds no business of its own. What is due is
decided by rows and deadlines; the scheduler is only the heartbeat. Any number of scheduler processes may run.
"""
