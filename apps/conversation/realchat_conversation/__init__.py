"""Conversations: direct ones and groups, who is in them, and who may change what."""
