"""RealChat on Kubernetes, from an empty cluster. README.md in this folder is the page of operations."""

import pulumi
import pulumi_kubernetes as kubernetes
from realchat_infra.apps import Apps
from realchat_infra.charts import Platform
from realchat_infra.dapr import Dapr
from realchat_infra.edge import Edge
from realchat_infra.kafka import Kafka
from realchat_infra.keyring import Addresses, Keyring
from realchat_infra.namespace import Namespace
from realchat_infra.network import Network
from realchat_infra.observability import Observability
from realchat_infra.postgres import Postgres
from realchat_infra.redis import Redis
from realchat_infra.settings import PROJECT, Settings
from realchat_infra.vault import Secrets

config = pulumi.Config(PROJECT)
settings = Settings.load()
keyring = config.require_secret("seed").apply(lambda seed: Keyring(seed, settings.generations))

cluster = kubernetes.Provider("cluster", context=settings.context)


def in_cluster(*after: pulumi.Resource) -> pulumi.ResourceOptions:
    """Through this stack's own provider, after what must be there first."""
    return pulumi.ResourceOptions(provider=cluster, depends_on=list(after))


# What others make, and where ours will be
platform = Platform(settings, in_cluster())
namespace = Namespace(settings, in_cluster())
network = Network(settings, in_cluster(namespace))

# What keeps data
kafka = Kafka(settings, platform.after("strimzi"), in_cluster(namespace, network))
postgres = Postgres(settings, keyring, platform.after("cloudnative-pg"), in_cluster(namespace, network))
redis = Redis(settings, keyring, in_cluster(namespace, network))

# What connects
secrets = Secrets(
    settings.namespace,
    keyring,
    Addresses(postgres.address, redis.address, redis.scheme),
    redis_password=config.get_secret("redisPassword"),
    kafka_password=config.get_secret("kafkaPassword"),
    smtp_password=config.get_secret("smtpPassword"),
    attachments_key=config.get_secret("attachmentsKey"),
    opts=in_cluster(namespace),
)
dapr = Dapr(settings, kafka.brokers, redis.address, platform.after("dapr"), in_cluster(namespace))
observability = Observability(settings, platform.after("prometheus"), in_cluster(namespace, network))

# What people use
apps = Apps(settings, postgres, secrets.checksums, in_cluster(kafka, postgres, redis, secrets, dapr, observability))
edge = Edge(settings, platform.after("cert-manager", "traefik"), in_cluster(namespace, apps))

pulumi.export("url", edge.url)
pulumi.export("socket_url", edge.socket_url)
pulumi.export("database_roles", postgres.roles)
