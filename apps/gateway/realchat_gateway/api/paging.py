"""Query parameters that all lists have."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

Cursor = Annotated[str, Query(max_length=512, description="`next_cursor` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=200)]
