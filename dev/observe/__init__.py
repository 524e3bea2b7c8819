"""What stands between a local stack and its observers, each a process: `python -m observe.traces` and its siblings."""
