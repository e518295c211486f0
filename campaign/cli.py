"""The commands: `flask --app wsgi …` and `python -m campaign …`. Stands above all rooms, like create_app."""

from flask import Flask


def register_commands(app: Flask) -> None:
    """Adds the commands to the application's command line."""
