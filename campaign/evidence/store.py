"""The evidence store (placeholder)."""

from pathlib import Path


class Store:
    """A folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
