"""The socket's protocol as contracts/asyncapi.yaml has it: what each side may say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

CONTRACT: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "contracts" / "asyncapi.yaml").read_text())

Message = dict[str, Any]


def messages(operation: str) -> dict[str, Message]:
    """The messages of an operation, by the `type` of their frames."""
    keys = (entry["$ref"].rpartition("/")[2] for entry in CONTRACT["operations"][operation]["messages"])
    found = [CONTRACT["components"]["messages"][key] for key in keys]
    return {message["payload"]["properties"]["type"]["const"]: message for message in found}


FROM_CLIENTS = messages("fromClients")
TO_CLIENTS = messages("toClients") | messages("toFeeds")

_validators: dict[int, Draft202012Validator] = {}


def violations(message: Message, frame: dict[str, Any]) -> list[str]:
    """What is wrong with a frame that should be of this kind."""
    validator = _validators.get(id(message))
    if validator is None:
        schema = {**message["payload"], "components": CONTRACT["components"]}
        validator = _validators[id(message)] = Draft202012Validator(schema)
    return [error.message for error in validator.iter_errors(frame)]
