"""PAPER: how tables and plan documents come in and go out. Knows formats, not what the words in them mean."""
