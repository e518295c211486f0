"""The demonstration: an invented city, its people, and the ten source campaigns in the middle of their work."""
