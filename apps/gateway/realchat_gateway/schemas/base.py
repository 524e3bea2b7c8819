"""What all of them have in common."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from realchat_common.ids import parse_rfc3339

ALICE = "019a8f3e-5c1b-7d2e-9a41-2f6b8c0d1e11"
BOB = "019a8f3e-6d2c-7e3f-8b52-3a7c9d1e2f22"
TALK = "019a8f3e-7e3d-7f40-9c63-4b8dae2f3a33"
MESSAGE = "019a8f3e-8f4e-7051-8d74-5c9ebf3a4b44"
SESSION = "019a8f3e-9a5f-7162-9e85-6daf0c4b5c55"
AT = "2026-01-02T03:04:05.678Z"

MOST_SEQ = 2**53 - 1
"""What every JSON reader holds exactly (RFC 7493)."""


def _canonical(text: str) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise PydanticCustomError("id", "not a UUID") from error


def _milliseconds(text: str) -> int:
    try:
        return parse_rfc3339(text)
    except ValueError as error:
        raise PydanticCustomError("time", str(error)) from error


Id = Annotated[str, AfterValidator(_canonical), WithJsonSchema({"type": "string", "format": "uuid"})]
Seq = Annotated[int, Field(ge=0, le=MOST_SEQ)]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
AskedTime = Annotated[
    str, AfterValidator(_milliseconds), WithJsonSchema({"type": "string", "format": "date-time", "examples": [AT]})
]
"""A time that a client gives; its milliseconds since the Unix epoch, once it is read."""
Role = Literal["member", "admin", "owner"]


def example(values: dict[str, Any]) -> ConfigDict:
    """A model's configuration with the example that OpenAPI shows."""
    return ConfigDict(json_schema_extra={"examples": [values]})


class Command(BaseModel):
    """What clients send: no field that is not known, no value that must be guessed."""

    model_config = ConfigDict(extra="forbid", strict=True)
