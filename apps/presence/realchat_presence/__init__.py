"""Presence: one state per user, made of the heartbeats of all their devices."""
