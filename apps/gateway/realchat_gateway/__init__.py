"""Gateway: the one HTTP entry, which knows who asks and how often, and asks the services."""
