"""Properties of everything that the program would create, for each stack."""

from __future__ import annotations

import importlib
import inspect
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.fernet import Fernet, MultiFernet
from infra.rendering import PROGRAM, SEED, STACKS, Rendering, Secret, plain_texts, render, revealed, run, settings
from realchat_infra.keyring import DATABASE_APPS, REDIS_APPS, Addresses, Keyring
from realchat_infra.network import SIDECAR
from realchat_infra.sources import APPS
from stack.manifest import read
from stack.ports import plan
from stack.vault import DATABASE_APPS as LOCAL_DATABASE_APPS
from stack.vault import REDIS_APPS as LOCAL_REDIS_APPS
from stack.vault import Vault as LocalVault

from realchat_common.identity import Callers, Identity
from realchat_common.settings import ServiceSettings

ROOT = PROGRAM.parent
PINNED = re.compile(r"^[a-z0-9.-]+(/[a-z0-9._-]+)+:v?[0-9][A-Za-z0-9._-]*$")


@pytest.fixture(params=STACKS)
def rendering(request: pytest.FixtureRequest) -> Rendering:
    return render(request.param)


def pod_specs(rendering: Rendering) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind in ("Deployment", "StatefulSet", "Job"):
        for name, manifest in rendering.manifests(kind).items():
            yield f"{kind}/{name}", manifest["spec"]["template"]["spec"]


def calls() -> dict[tuple[str, str], set[str]]:
    """caller and callee to the methods, read from the contract and not by the program's own reader."""
    graph: dict[tuple[str, str], set[str]] = {}
    for service, methods in yaml.safe_load((ROOT / "contracts" / "calls.yaml").read_text()).items():
        for method, callers in methods.items():
            for caller in callers:
                graph.setdefault((caller, service.split(".")[1]), set()).add(f"/{service}/{method}")
    return graph


# The program as Pulumi sees it


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


# Images, bounds, security


def test_every_image_and_chart_is_pinned(rendering: Rendering) -> None:
    images = {container["image"] for _, spec in pod_specs(rendering) for container in spec["containers"]}
    images |= {cluster["spec"]["imageName"] for cluster in rendering.manifests("Cluster").values()}
    assert [image for image in images if not PINNED.match(image)] == []
    releases = [each for each in rendering.resources if each.type.endswith(":Release")]
    assert len(releases) == 8
    assert all(re.match(r"^v?[0-9]+\.[0-9]+\.[0-9]+$", each.inputs["version"]) for each in releases)
    assert not [text for each in rendering.resources for text in plain_texts(each.inputs) if text.endswith(":latest")]


def test_every_container_has_requests_and_limits(rendering: Rendering) -> None:
    for name, spec in pod_specs(rendering):
        for container in spec["containers"]:
            for bound in ("requests", "limits"):
                assert container["resources"][bound].keys() == {"cpu", "memory"}, name
    for name, manifest in rendering.manifests("Deployment").items():
        annotations = manifest["spec"]["template"]["metadata"].get("annotations", {})
        if "dapr.io/enabled" in annotations:
            bounds = {f"dapr.io/sidecar-{r}-{b}" for r in ("cpu", "memory") for b in ("request", "limit")}
            assert bounds <= annotations.keys(), name


def test_every_pod_is_restricted(rendering: Rendering) -> None:
    for name, spec in pod_specs(rendering):
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["automountServiceAccountToken"] is False, name
        for container in spec["containers"]:
            context = container["securityContext"]
            assert context["readOnlyRootFilesystem"] is True, name
            assert context["allowPrivilegeEscalation"] is False, name
            assert context["capabilities"] == {"drop": ["ALL"]}, name
    namespace = rendering.manifests("Namespace")["realchat"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_quota_admits_every_replica_that_the_autoscalers_may_add(rendering: Rendering) -> None:
    most = {name: each["spec"]["maxReplicas"] for name, each in rendering.manifests("HorizontalPodAutoscaler").items()}
    pods: list[tuple[int, dict[str, str]]] = []
    for kind in ("Deployment", "StatefulSet", "Job"):
        for name, manifest in rendering.manifests(kind).items():
            template = manifest["spec"]["template"]
            copies = most.get(name, manifest["spec"].get("replicas", 1))
            copies += kind == "Deployment"  # one more while it rolls out
            pods += [(copies, container["resources"]["requests"]) for container in template["spec"]["containers"]]
            sidecar = template["metadata"].get("annotations", {})
            if "dapr.io/enabled" in sidecar:
                own = {bound: sidecar[f"dapr.io/sidecar-{bound}-request"] for bound in ("cpu", "memory")}
                pods.append((copies, own))
    for pool in rendering.manifests("KafkaNodePool").values():
        pods.append((pool["spec"]["replicas"], pool["spec"]["resources"]["requests"]))
    for cluster in rendering.manifests("Cluster").values():
        pods.append((cluster["spec"]["instances"], cluster["spec"]["resources"]["requests"]))
    hard = rendering.manifests("ResourceQuota")["realchat"]["spec"]["hard"]
    for bound in ("cpu", "memory"):
        assert sum(copies * amount(each[bound]) for copies, each in pods) <= amount(hard[f"requests.{bound}"]), bound
    assert sum(copies for copies, _ in pods) <= int(hard["pods"]) * 2  # a sidecar is not a pod of its own


def amount(text: str) -> float:
    number, unit = re.fullmatch(r"([0-9.]+)(\D*)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"": 1, "m": 1e-3, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}[unit]


def test_a_pod_has_time_for_all_that_its_end_consists_of(rendering: Rendering) -> None:
    for app_id in APPS:
        spec = rendering.manifests("Deployment")[app_id]["spec"]["template"]["spec"]
        container = spec["containers"][0]
        env = {item["name"]: item.get("value") for item in container["env"]}
        needed = container["lifecycle"]["preStop"]["sleep"]["seconds"] + float(env["REALCHAT_DRAIN_SECONDS"])
        assert spec["terminationGracePeriodSeconds"] > needed + 10, app_id
    delivery = rendering.manifests("Deployment")["delivery"]["spec"]["template"]["spec"]
    assert delivery["terminationGracePeriodSeconds"] >= 240


# Secrets


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
    before = {each.urn: each.inputs for each in render("local").objects}
    after = run({**settings("local"), "realchat:generations": {"database/auth": 2}}).objects
    changed = {
        f"{each.inputs['kind']}/{each.inputs['metadata']['name']}" for each in after if before[each.urn] != each.inputs
    }
    assert changed == {"Secret/realchat-auth", "Secret/realchat-postgres-auth", "Deployment/auth", "Job/auth-migration"}


# Dapr


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


# Network


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    return all(labels.get(name) == value for name, value in selector.get("matchLabels", {}).items())


def admits(rendering: Rendering, direction: str, pod: Mapping[str, str], peer: Mapping[str, str], port: int) -> bool:
    """Whether policies let a pod of the namespace have a connection with another one, as Kubernetes decides."""
    key = {"Ingress": "from", "Egress": "to"}[direction]
    policies = [
        policy["spec"]
        for policy in rendering.manifests("NetworkPolicy").values()
        if selects(policy["spec"]["podSelector"], pod) and direction in policy["spec"]["policyTypes"]
    ]
    assert policies, "by default all is denied"
    return any(
        any("podSelector" in end and selects(end["podSelector"], peer) for end in rule[key])
        and port in {each["port"] for each in rule["ports"]}
        for policy in policies
        for rule in policy.get(direction.lower(), [])
    )


def connects(rendering: Rendering, source: Mapping[str, str], target: Mapping[str, str], port: int) -> bool:
    return admits(rendering, "Egress", source, target, port) and admits(rendering, "Ingress", target, source, port)


def labels_of(rendering: Rendering, kind: str, name: str) -> dict[str, str]:
    labels: dict[str, str] = rendering.manifests(kind)[name]["spec"]["template"]["metadata"]["labels"]
    return labels


KAFKA = {"strimzi.io/cluster": "realchat", "strimzi.io/component-type": "kafka", "strimzi.io/name": "realchat-kafka"}
POSTGRES = {"cnpg.io/cluster": "realchat-postgres", "cnpg.io/podRole": "instance"}


def test_sidecars_reach_each_other_as_the_call_graph_says(rendering: Rendering) -> None:
    pods = {app_id: labels_of(rendering, "Deployment", app_id) for app_id in APPS}
    reach = {
        (source, target)
        for source, target in itertools.permutations(APPS, 2)
        if connects(rendering, pods[source], pods[target], SIDECAR)
    }
    assert reach == calls().keys()


def test_no_application_is_reached_past_its_sidecar(rendering: Rendering) -> None:
    pods = {app_id: labels_of(rendering, "Deployment", app_id) for app_id in APPS}
    for source, target in itertools.permutations(APPS, 2):
        for port in APPS[target].ports.values():
            assert not connects(rendering, pods[source], pods[target], port), (source, target, port)


def test_only_those_with_data_reach_the_stores(rendering: Rendering) -> None:
    redis = labels_of(rendering, "StatefulSet", "realchat-redis")
    kafka = {
        app_id
        for component in rendering.manifests("Component").values()
        if component["spec"]["type"] == "pubsub.kafka"
        for app_id in component["scopes"]
    }
    reached = {
        (name, app_id)
        for name, pod, port in (("kafka", KAFKA, 9092), ("postgres", POSTGRES, 5432), ("redis", redis, 6379))
        for app_id in APPS
        if connects(rendering, labels_of(rendering, "Deployment", app_id), pod, port)
    }
    assert reached == (
        {("kafka", each) for each in kafka}
        | {("postgres", each) for each in DATABASE_APPS}
        | {("redis", each) for each in REDIS_APPS}
    )
    for app_id in DATABASE_APPS:
        job = labels_of(rendering, "Job", f"{app_id}-migration")
        assert connects(rendering, job, POSTGRES, 5432)
        assert not connects(rendering, job, redis, 6379)


def test_strimzi_makes_no_wider_hole_than_ours(rendering: Rendering) -> None:
    """The operator makes a policy of its own from these peers, and policies add up."""
    peers = rendering.manifests("Kafka")["realchat"]["spec"]["kafka"]["listeners"][0]["networkPolicyPeers"]
    for app_id in APPS:
        pod = labels_of(rendering, "Deployment", app_id)
        assert any(selects(peer["podSelector"], pod) for peer in peers) == connects(rendering, pod, KAFKA, 9092)


def test_the_namespace_denies_by_default(rendering: Rendering) -> None:
    policy = rendering.manifests("NetworkPolicy")["default-deny"]["spec"]
    assert policy == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_only_gateway_and_delivery_are_public_and_by_tls(rendering: Rendering) -> None:
    ingress = rendering.manifests("Ingress")["realchat"]["spec"]
    (rule,) = ingress["rules"]
    assert ingress["tls"][0]["hosts"] == [rule["host"]]
    routes = {path["path"]: path["backend"]["service"] for path in rule["http"]["paths"]}
    assert routes == {
        "/v1/socket": {"name": "delivery", "port": {"number": APPS["delivery"].ports["http"]}},
        "/v1/events": {"name": "delivery", "port": {"number": APPS["delivery"].ports["http"]}},
        "/": {"name": "gateway", "port": {"number": APPS["gateway"].ports["http"]}},
    }
    assert not [name for name, each in rendering.manifests("Service").items() if each["spec"].get("type")]


# What the applications are told


@pytest.mark.parametrize("app_id", APPS)
def test_the_application_accepts_its_environment(app_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rendering = render("prod")
    container = rendering.manifests("Deployment")[app_id]["spec"]["template"]["spec"]["containers"][0]
    module = importlib.import_module(f"{APPS[app_id].package}.settings")
    (settings_class,) = [
        each
        for _, each in inspect.getmembers(module, inspect.isclass)
        if issubclass(each, ServiceSettings) and each is not ServiceSettings
    ]
    for item in container["env"]:
        monkeypatch.setenv(item["name"], item.get("value", "from elsewhere"))
    monkeypatch.setenv("DAPR_GRPC_PORT", "50001")  # from the injector
    accepted = settings_class()
    assert accepted.app_id == app_id
    assert accepted.internal_port == APPS[app_id].ports["internal"]
    issuers = {getattr(accepted, name) for name in ("issuer", "token_issuer") if hasattr(accepted, name)}
    assert issuers <= {"https://chat.example"}


@pytest.mark.parametrize("app_id", APPS)
def test_probes_ask_the_internal_port(app_id: str) -> None:
    container = render("prod").manifests("Deployment")[app_id]["spec"]["template"]["spec"]["containers"][0]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    probes = [container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")]
    assert [(probe["path"], ports[probe["port"]]) for probe in probes] == [
        (path, APPS[app_id].ports["internal"]) for path in ("/livez", "/livez", "/readyz")
    ]


def test_topics_are_those_of_the_local_broker(rendering: Rendering) -> None:
    topics = yaml.safe_load((ROOT / "dev" / "kafka" / "topics.yaml").read_text())["topics"]
    rendered = rendering.manifests("KafkaTopic")
    assert rendered.keys() == topics.keys()
    assert all(rendered[name]["spec"]["partitions"] == topic["partitions"] for name, topic in topics.items())


def test_delivery_is_scaled_by_its_sockets() -> None:
    metrics = render("prod").manifests("HorizontalPodAutoscaler")["delivery"]["spec"]["metrics"]
    (sockets,) = [metric["pods"] for metric in metrics if metric["type"] == "Pods"]
    assert sockets["metric"]["name"] in (ROOT / "apps/delivery/realchat_delivery/connection.py").read_text()
