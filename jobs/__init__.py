"""CLOCK."""
