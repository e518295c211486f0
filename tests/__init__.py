"""The tests: rooms mirrored file for file, the building itself (house), and whole journeys (stories)."""
