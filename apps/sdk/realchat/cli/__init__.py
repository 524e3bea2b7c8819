"""The command line `realchat`."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command line, which needs more packages than the client does."""
    try:
        from realchat.cli.commands import app
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich", "textual"):
            raise
        sys.exit("The command line is not installed with the client alone: pip install 'realchat[cli]'")
    except KeyboardInterrupt:  # it takes a moment to be there
        sys.exit(130)
    app()
