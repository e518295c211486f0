"""QUESTIONS: what someone may see or count. Reads only; scope is a WHERE clause; explicit columns; frozen answers.

The number of statements never grows with the number of rows.
"""
