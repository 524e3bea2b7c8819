"""Secrets that the program derives, for each stack."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet, MultiFernet
from infra.rendering import ROOT, SEED, Rendering, Secret, plain_texts, render, revealed, run, settings
from realchat_infra.keyring import DATABASE_APPS, REDIS_APPS, Addresses, Keyring
from realchat_infra.sources import APPS
from stack.manifest import read
from stack.ports import plan
from stack.vault import DATABASE_APPS as LOCAL_DATABASE_APPS
from stack.vault import REDIS_APPS as LOCAL_REDIS_APPS
from stack.vault import Vault as LocalVault

from realchat_common.identity import Callers, Identity


def test_no_secret_is_seen_in_plain(rendering: Rendering) -> None:
    hidden = {leaf for each in rendering.resources for leaf in secret_leaves(each.inputs) if len(leaf) >= 16}
    hidden |= {SEED, *(value for leaf in hidden if leaf.startswith("{") for value in json.loads(leaf).values())}
    assert len(hidden) > 40
    plain = [text for each in rendering.resources for text in plain_texts(each.inputs)]
    plain += [text for outputs in rendering.outputs.values() for text in plain_texts(outputs)]
    leaks = [text for text in plain if any(value in text for value in hidden)]
    assert not leaks


def secret_leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Secret):
        yield from plain_texts([revealed(value)])
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from secret_leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from secret_leaves(item)


def test_each_application_gets_what_it_gets_locally(rendering: Rendering, tmp_path: Path) -> None:
    assert (DATABASE_APPS, REDIS_APPS) == (LOCAL_DATABASE_APPS, LOCAL_REDIS_APPS)
    apps = read(ROOT / "dapr.yaml")
    LocalVault.open(tmp_path, [app.app_id for app in apps]).write(plan(apps, {}, None), {}, tmp_path / "env")
    for app_id in APPS:
        local = json.loads((tmp_path / "secrets" / f"{app_id}.json").read_text())
        store = json.loads(rendering.manifests("Secret")[f"realchat-{app_id}"]["stringData"]["secrets.json"])
        assert store.keys() == local.keys(), app_id


def test_the_derived_keys_work(rendering: Rendering) -> None:
    stores = {
        app_id: json.loads(rendering.manifests("Secret")[f"realchat-{app_id}"]["stringData"]["secrets.json"])
        for app_id in APPS
    }
    for caller, callee in itertools.permutations(APPS, 2):
        assertion = Identity(caller, stores[caller]["caller-key"]).assertion(callee, None)
        callers = Callers(callee, json.loads(stores[callee]["caller-keys"]))
        assert callers.verify(assertion).app_id == caller
    Fernet(stores["auth"]["key-encryption-key"])


def test_a_role_has_the_same_password_on_both_sides(rendering: Rendering) -> None:
    secrets = rendering.manifests("Secret")
    for app_id in DATABASE_APPS:
        url = secrets[f"realchat-{app_id}"]["stringData"]["database-url"]
        role = secrets[f"realchat-postgres-{app_id}"]["stringData"]
        assert f"//{role['username']}:{role['password']}@" in url


def test_no_two_secrets_are_alike() -> None:
    ring, raised = Keyring(SEED), Keyring(SEED, {"redis": 2})
    drawn = [ring.token("redis"), raised.token("redis"), *map(ring.database_password, DATABASE_APPS)]
    assert len(set(drawn)) == len(drawn)
    assert SEED not in repr(ring)
    with pytest.raises(ValueError, match="32 random characters"):
        Keyring("short")


def test_what_an_older_key_sealed_can_still_be_opened() -> None:
    old, new = (Keyring(SEED, {"key-encryption-key": each}) for each in (1, 2))
    addresses = Addresses("postgres:5432", "redis:6379")
    before, after = (ring.store("auth", APPS, addresses)["key-encryption-key"].split(",") for ring in (old, new))
    assert after[1:] == before
    sealed = Fernet(before[0]).encrypt(b"a signing key")
    assert MultiFernet([Fernet(key) for key in after]).decrypt(sealed) == b"a signing key"


def test_a_raised_generation_replaces_one_secret_and_its_pods() -> None:
    changed = changed_by({"database/auth": 2})
    assert changed == {"Secret/realchat-auth", "Secret/realchat-postgres-auth", "Deployment/auth", "Job/auth-migration"}


def test_redis_is_replaced_together_with_those_who_know_its_password() -> None:
    changed = changed_by({"redis": 2})
    assert {"Secret/realchat-redis", "StatefulSet/realchat-redis"} <= changed
    assert {f"Deployment/{app}" for app in REDIS_APPS} <= changed


def changed_by(generations: Mapping[str, int]) -> set[str]:
    """What is not as it was, once some secrets were replaced."""
    before = {each.urn: each.inputs for each in render("local").objects}
    after = run({**settings("local"), "realchat:generations": dict(generations)}).objects
    return {
        f"{each.inputs['kind']}/{each.inputs['metadata']['name']}" for each in after if before[each.urn] != each.inputs
    }
