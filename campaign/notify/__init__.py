"""VOICE: how people are told: the outbox, the words, the channels."""
