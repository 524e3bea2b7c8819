"""Bots: programs that take part, each owned by a person, and the keys by which they come in."""
