"""The program as Pulumi sees it, for each stack."""

from __future__ import annotations

from infra.rendering import Rendering, render, run, settings
from realchat_infra.keyring import DATABASE_APPS


def test_every_object_goes_through_the_stacks_own_provider(rendering: Rendering) -> None:
    strays = [each.urn for each in rendering.objects if "pulumi:providers:kubernetes::cluster" not in each.provider]
    assert not strays


def test_every_resource_belongs_to_a_component(rendering: Rendering) -> None:
    orphans = [
        each.urn
        for each in rendering.resources
        if each.custom and "realchat:kubernetes:" not in each.parent and each.type != "pulumi:providers:kubernetes"
    ]
    assert not orphans


def test_every_component_registers_its_outputs(rendering: Rendering) -> None:
    components = {each.urn for each in rendering.resources if each.type.startswith("realchat:")}
    assert components <= rendering.outputs.keys()


def test_resource_names_are_unique(rendering: Rendering) -> None:
    urns = [each.urn for each in rendering.resources]
    assert len(urns) == len(set(urns))


def test_a_second_run_registers_the_same() -> None:
    again = run(settings("prod"))
    assert {each.urn: each.inputs for each in again.resources} == {
        each.urn: each.inputs for each in render("prod").resources
    }


def test_custom_resources_wait_for_their_operator(rendering: Rendering) -> None:
    operators = {
        "kafka.strimzi.io": "strimzi",
        "postgresql.cnpg.io": "cloudnative-pg",
        "dapr.io": "dapr",
        "cert-manager.io": "cert-manager",
        "monitoring.coreos.com": "prometheus",
    }
    by_urn = {each.urn: each for each in rendering.resources}

    def reachable(urn: str, seen: set[str]) -> set[str]:
        for each in by_urn[urn].dependencies - seen:
            seen.add(each)
            reachable(each, seen)
        return seen

    for each in rendering.objects:
        group = each.inputs["apiVersion"].split("/")[0]
        if group in operators:
            before = {by_urn[urn].name for urn in reachable(each.urn, set()) if "helm" in by_urn[urn].type}
            assert operators[group] in before, each.urn


def test_migrations_end_before_pods_begin(rendering: Rendering) -> None:
    jobs = {each.inputs["metadata"]["name"]: each.urn for each in rendering.objects if each.inputs["kind"] == "Job"}
    assert jobs.keys() == {f"{app_id}-migration" for app_id in DATABASE_APPS}
    for each in rendering.objects:
        name = each.inputs["metadata"]["name"]
        if each.inputs["kind"] == "Deployment" and name in DATABASE_APPS:
            assert jobs[f"{name}-migration"] in each.dependencies


def test_the_engine_waits_until_the_stores_are_there(rendering: Rendering) -> None:
    """Of custom resources it knows nothing; the migrations would begin at once, and fail."""
    for kind in ("Kafka", "KafkaTopic", "Cluster", "Database"):
        for name, manifest in rendering.manifests(kind).items():
            assert "pulumi.com/waitFor" in manifest["metadata"]["annotations"], f"{kind}/{name}"


def test_what_keeps_data_in_production_cannot_be_deleted_by_accident() -> None:
    protected = {each.inputs["kind"] for each in render("prod").objects if each.protect}
    assert {"Namespace", "Kafka", "KafkaNodePool", "Cluster", "StatefulSet"} <= protected
    assert not any(each.protect for each in render("local").objects)
