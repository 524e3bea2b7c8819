"""Compose's health check: whether this container's application can do its work."""

import os
import urllib.request

urllib.request.urlopen(f"http://127.0.0.1:{os.environ['REALCHAT_INTERNAL_PORT']}/readyz", timeout=2)
