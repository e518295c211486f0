"""The web process: builds the application, nothing else; it never starts a scheduler."""

from campaign import create_app

app = create_app()
