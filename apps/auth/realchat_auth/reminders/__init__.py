"""Mails that remind people of what waits unread while they are away."""
