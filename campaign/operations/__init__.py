"""VERBS: how something changes. One function per use case: guard, change, flush, log, tell. Never commits.

`actor` and `now` are arguments; whoever calls opens the unit of work.
"""
