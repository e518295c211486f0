"""ARCHIVE: how bytes are kept. Named by their SHA-256, looked into before they are kept, verified when shown.

`store` keeps them, `inspection` says what they are and refuses what must not come in, `pictures` makes small copies.
"""
