"""Dapr as the program sets it up, for each stack: components, access, sidecars."""

from __future__ import annotations

import json

import yaml
from infra.rendering import ROOT, Rendering, calls, run, settings
from realchat_infra.sources import APPS


def test_dapr_gets_all_of_components_and_nothing_else(rendering: Rendering) -> None:
    documents = [
        document
        for file in (ROOT / "components").glob("*.yaml")
        for document in yaml.safe_load_all(file.read_text())
        if document
    ]
    expected = {(document["kind"], document["metadata"]["name"]) for document in documents}
    rendered = {
        (each.inputs["kind"], each.inputs["metadata"]["name"])
        for each in rendering.objects
        if each.inputs["apiVersion"].startswith("dapr.io/") and each.inputs["kind"] != "Configuration"
    }
    assert rendered == expected
    for document in documents:
        manifest = rendering.manifests(document["kind"])[document["metadata"]["name"]]
        assert manifest.get("scopes") == document.get("scopes")
        if document["kind"] == "Component":
            names = [[item["name"] for item in each["spec"]["metadata"]] for each in (manifest, document)]
            assert names[0] == names[1]
        else:
            assert manifest["spec"] == document["spec"]


def test_every_component_is_scoped_and_refers_to_no_variable(rendering: Rendering) -> None:
    for name, component in rendering.manifests("Component").items():
        assert component["scopes"], name
        assert set(component["scopes"]) <= APPS.keys(), name
        assert "envRef" not in str(component), name
        assert all("value" in item or "secretKeyRef" in item for item in component["spec"]["metadata"]), name


def test_components_refer_only_to_secrets_that_their_applications_have(rendering: Rendering) -> None:
    for name, component in rendering.manifests("Component").items():
        wanted = {item["secretKeyRef"]["key"] for item in component["spec"]["metadata"] if "secretKeyRef" in item}
        for app_id in component["scopes"]:
            secret = rendering.manifests("Secret")[f"realchat-{app_id}"]["stringData"]["secrets.json"]
            assert wanted <= json.loads(secret).keys(), (name, app_id)
        if wanted:
            assert component["auth"] == {"secretStore": "secretstore"}, name


def test_mails_go_to_the_mail_server_where_there_is_one() -> None:
    smtp = {"host": "mail.example", "cidr": "192.0.2.0/28", "sender": "chat@example.org", "username": "chat"}
    rendering = run({**settings("local"), "realchat:smtp": smtp, "realchat:smtpPassword": "secret"})
    mail = rendering.manifests("Component")["mail"]
    assert mail["spec"]["type"] == "bindings.smtp"
    values = {item["name"]: item.get("value") for item in mail["spec"]["metadata"]}
    assert (values["host"], values["port"], values["emailFrom"]) == ("mail.example", "587", "chat@example.org")
    secret = json.loads(rendering.manifests("Secret")["realchat-auth"]["stringData"]["secrets.json"])
    assert secret["smtp-password"] == "secret"
    assert mail["auth"] == {"secretStore": "secretstore"}
    assert "192.0.2.0/28" in str(rendering.manifests("NetworkPolicy"))
    assert "mail" not in {
        v["name"] for v in rendering.manifests("Deployment")["auth"]["spec"]["template"]["spec"]["volumes"]
    }


def test_attachments_go_to_the_object_store_where_there_is_one() -> None:
    store = {"bucket": "chat", "cidr": "192.0.2.16/28", "endpoint": "https://minio.example", "access_key": "chat"}
    rendering = run({**settings("local"), "realchat:attachments": store, "realchat:attachmentsKey": "secret"})
    component = rendering.manifests("Component")["attachments"]
    assert component["spec"]["type"] == "bindings.aws.s3"
    values = {item["name"]: item.get("value") for item in component["spec"]["metadata"]}
    assert (values["bucket"], values["endpoint"], values["forcePathStyle"]) == ("chat", "https://minio.example", "true")
    secret = json.loads(rendering.manifests("Secret")["realchat-message"]["stringData"]["secrets.json"])
    assert secret["attachments-key"] == "secret"
    assert "192.0.2.16/28" in str(rendering.manifests("NetworkPolicy"))
    assert "attachments" not in {
        v["name"] for v in rendering.manifests("Deployment")["message"]["spec"]["template"]["spec"]["volumes"]
    }


def test_access_policies_are_the_call_graph(rendering: Rendering) -> None:
    allowed: dict[tuple[str, str], set[str]] = {}
    for app_id in APPS:
        configuration = rendering.manifests("Configuration")[f"realchat-{app_id}"]
        control = configuration["spec"]["accessControl"]
        assert control["defaultAction"] == "deny"
        for policy in control["policies"]:
            assert policy["defaultAction"] == "deny"
            assert policy["trustDomain"] == control["trustDomain"]
            assert policy["namespace"] == configuration["metadata"]["namespace"]
            assert {operation["action"] for operation in policy["operations"]} == {"allow"}
            allowed[policy["appId"], app_id] = {operation["name"] for operation in policy["operations"]}
    assert allowed == calls()


def test_each_sidecar_has_its_own_configuration_and_secrets(rendering: Rendering) -> None:
    for app_id, app in APPS.items():
        template = rendering.manifests("Deployment")[app_id]["spec"]["template"]
        annotations = template["metadata"]["annotations"]
        assert annotations["dapr.io/app-id"] == app_id
        assert annotations["dapr.io/app-port"] == str(app.channel)
        assert annotations["dapr.io/config"] in rendering.manifests("Configuration")
        mounted = {volume["secret"]["secretName"] for volume in template["spec"]["volumes"] if "secret" in volume}
        assert mounted <= {f"realchat-{app_id}", "realchat-postgres-ca"}
        volumes = {volume["name"] for volume in template["spec"]["volumes"]}
        sidecar_mounts = dict(pair.split(":") for pair in annotations["dapr.io/volume-mounts"].split(","))
        assert sidecar_mounts.keys() <= volumes
        own = {mount["name"] for mount in template["spec"]["containers"][0]["volumeMounts"]}
        assert "secrets" not in own, "the application asks its sidecar"
        store = rendering.manifests("Component")["secretstore"]["spec"]["metadata"][0]["value"]
        assert store == f"{sidecar_mounts['secrets']}/secrets.json"
