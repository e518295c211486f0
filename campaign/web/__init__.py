"""DOOR: how a browser asks. Parse, ask or command, answer; no SQL, no rules.

`register_web` wires the door: closed by default, language, headers, error pages, blueprints.
"""

from flask import Flask


def register_web(app: Flask) -> None:
    """Adds everything a browser meets."""
