"""What a stack decides: `Pulumi.<stack>.yaml`, checked before anything is created."""

from __future__ import annotations

import json
from typing import Annotated, Literal, Self

import pulumi
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from realchat_infra.sources import APPS

PROJECT = "realchat"


def _pinned(tag: str) -> str:
    if tag == "latest":
        raise ValueError("a tag that moves cannot be rolled back")
    return tag


Quantity = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)?(m|Ki|Mi|Gi|Ti)?$")]
"""As Kubernetes writes amounts: 250m, 512Mi."""
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=63)]
Tag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$"), AfterValidator(_pinned)]
Percent = Annotated[int, Field(gt=0, le=100)]


class Model(BaseModel):
    """A part of the settings; a key that nothing reads is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Image(Model):
    """The one image of all applications."""

    repository: str
    tag: Tag


class Size(Model):
    """One application: how many, and how large each is."""

    replicas: int = Field(default=1, gt=0)
    most: int | None = None
    """Replicas at most, where the autoscaler may add some."""
    cpu: Quantity = "100m"
    cpu_limit: Quantity = "1"
    memory: Quantity = "256Mi"
    """Request and limit: memory is not a thing to overcommit."""
    cpu_percent: Percent = 70
    """Of the request, at which the autoscaler adds replicas."""
    sockets: int = Field(default=8_000, gt=0)
    """Delivery only: sockets per replica at which the autoscaler adds one."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.most is not None and self.most <= self.replicas:
            raise ValueError("most is not more than replicas")
        return self


class ExternalKafka(Model):
    """A Kafka that somebody else runs. With a username, the config secret `kafkaPassword` goes with it."""

    brokers: str
    """host:port, separated by commas."""
    cidr: str
    """Where the brokers are, for the network policies."""
    port: int = 9092
    username: str = ""
    mechanism: Literal["PLAINTEXT", "SHA-256", "SHA-512"] = "SHA-512"


class Kafka(Model):
    """Kafka by Strimzi in KRaft mode."""

    brokers: int = Field(default=1, gt=0)
    controllers: int = Field(default=0, ge=0)
    """Nodes that only keep the metadata; with none, the brokers do that too."""
    storage: Quantity = "10Gi"
    cpu: Quantity = "500m"
    memory: Quantity = "1536Mi"
    external: ExternalKafka | None = None

    @property
    def copies(self) -> int:
        """Of every partition."""
        return min(self.brokers, 3)


class ExternalPostgres(Model):
    """A PostgreSQL that somebody else runs, with the roles and databases that README.md names."""

    host: str
    cidr: str
    port: int = 5432
    authority: Annotated[str, StringConstraints(pattern=r"^-----BEGIN CERTIFICATE-----")]
    """Who signs its certificate, PEM: a connection that is encrypted to anybody is not worth much."""


class Backup(Model):
    """Continuous archive of PostgreSQL in an object store; the cluster's identity opens it, not a key of ours."""

    destination: Annotated[str, StringConstraints(pattern=r"^s3://")]
    schedule: str = "0 0 3 * * *"
    """Six fields, the first one seconds."""
    retention: Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*[dwm]$")] = "30d"
    service_account_annotations: dict[str, str] = {}
    """What ties the database's service account to a cloud identity."""


class Postgres(Model):
    """PostgreSQL by CloudNativePG."""

    instances: int = Field(default=1, gt=0)
    storage: Quantity = "10Gi"
    cpu: Quantity = "500m"
    memory: Quantity = "1Gi"
    max_connections: int = Field(default=300, gt=0)
    backup: Backup | None = None
    external: ExternalPostgres | None = None


class ExternalRedis(Model):
    """A Redis that somebody else runs; its password is the config secret `redisPassword`."""

    host: str
    cidr: str
    port: int = 6379
    tls: bool = True


class Redis(Model):
    """One Redis with an append-only file."""

    storage: Quantity = "5Gi"
    cpu: Quantity = "250m"
    memory: Quantity = "512Mi"
    external: ExternalRedis | None = None


class Smtp(Model):
    """The mail server that sends auth's mails; with a username, the config secret `smtpPassword` goes with it."""

    host: str
    cidr: str
    """Where it is, for the network policies."""
    sender: str
    """The mails' `From`."""
    port: int = 587
    username: str = ""


class ObjectStore(Model):
    """Where attachments are: S3, or what speaks its protocol. With an access key, the config secret `attachmentsKey`
    goes with it; without one, the identity of the message service's pods opens it."""

    bucket: str
    cidr: str
    """Where it is, for the network policies."""
    region: str = "us-east-1"
    endpoint: str = ""
    """Of a store that is not AWS's, such as https://minio.example."""
    port: int = 443
    access_key: str = ""


class Tls(Model):
    """Who signs the public certificate: an ACME account, a secret that is already there, or, with neither, nobody."""

    acme_email: str = ""
    acme_server: str = "https://acme-v02.api.letsencrypt.org/directory"
    secret: str = ""


class Ingress(Model):
    """The public address."""

    host: str
    class_name: str = "traefik"
    controller_namespace: Name = "traefik"
    trusted_proxies: str = ""
    """Addresses of the controller, whose X-Forwarded-For the gateway believes."""
    tls: Tls = Tls()


class Quota(Model):
    """What the namespace may use at most; the sum of all parts, and room to roll out."""

    cpu: Quantity
    memory: Quantity
    storage: Quantity
    pods: int


Installable = Literal[
    "dapr", "strimzi", "cloudnative-pg", "cert-manager", "traefik", "metrics-server", "prometheus", "prometheus-adapter"
]


class Settings(Model):
    """All of a stack, key by key."""

    environment: Literal["dev", "prod"]
    context: str
    """The kubeconfig's context: a stack can only ever reach its own cluster."""
    namespace: Name = "realchat"
    image: Image
    ingress: Ingress
    quota: Quota
    high_availability: bool = False
    """Dapr's control plane three times, replicas across zones, data protected from deletion."""
    storage_class: str | None = None
    """None is the cluster's default."""
    api_server_cidr: str = "0.0.0.0/0"
    """Where the Kubernetes API is; only PostgreSQL and Strimzi's operator talk to it."""
    already_there: frozenset[Installable] = frozenset()
    """Charts that the cluster has from elsewhere."""
    trace_ratio: float = Field(default=1.0, ge=0, le=1)
    kafka: Kafka = Kafka()
    postgres: Postgres = Postgres()
    redis: Redis = Redis()
    smtp: Smtp | None = None
    """Without one, mails are files in the pod that wrote them: enough to try things out, and no more."""
    attachments: ObjectStore | None = None
    """Without one, attachments are files in the pod that took them: enough for one replica, and no more."""
    apps: dict[str, Size] = {}
    generations: dict[str, int] = {}
    """Raised by one to replace a derived secret: `database/auth: 2`."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        if unknown := self.apps.keys() - APPS.keys():
            raise ValueError(f"no such application: {sorted(unknown)}")
        return self

    def size(self, app_id: str) -> Size:
        """Of one application."""
        return self.apps.get(app_id, Size())

    @classmethod
    def load(cls) -> Settings:
        """This stack's settings. Raises ValueError with the key that is wrong."""
        config = pulumi.Config(PROJECT)
        given = {name: config.get(name) for name in cls.model_fields}
        return cls.model_validate({name: _parsed(value) for name, value in given.items() if value is not None})


def _parsed(value: str) -> object:
    """Pulumi hands structured values over as JSON, and plain ones as they are."""
    try:
        return json.loads(value)
    except ValueError:
        return value
