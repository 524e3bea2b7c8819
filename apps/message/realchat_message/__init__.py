"""The conversation log: one writer and reader of everything that happens in a conversation."""
