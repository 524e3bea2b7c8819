"""The local stack: backing services, sidecars and apps as processes of one supervisor, without containers.

`dev/up` and its siblings are its command line (`cli.py`); tests use `Stack` (`instance.py`).
"""

from stack.instance import Stack
from stack.progress import StackError

__all__ = ["Stack", "StackError"]
