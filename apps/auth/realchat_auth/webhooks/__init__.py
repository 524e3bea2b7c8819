"""Outgoing webhooks: bots are told by HTTP of what happens in their conversations."""
