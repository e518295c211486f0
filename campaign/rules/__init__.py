"""LAW: what is allowed, due or valid, given facts.

Pure functions and tables. Imports the standard library and the sentences of `errors`, nothing else of ours,
so that the law can be tested without a database and read by a lawyer.
"""
