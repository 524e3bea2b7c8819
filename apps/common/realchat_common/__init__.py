"""What at least three services need: settings, errors, calls through the sidecar, telemetry, health, lifecycle.

No business rule lives here.
"""
