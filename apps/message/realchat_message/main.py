"""Wires the message service."""

from __future__ import annotations

import asyncpg
from dapr.proto import appcallback_service_v1
from fastapi import FastAPI

from chat.message.v1.attachment_pb2_grpc import add_AttachmentServiceServicer_to_server
from chat.message.v1.message_pb2_grpc import add_MessageServiceServicer_to_server
from chat.message.v1.poll_pb2_grpc import add_PollServiceServicer_to_server
from chat.message.v1.schedule_pb2_grpc import add_ScheduleServiceServicer_to_server
from chat.message.v1.search_pb2_grpc import add_SearchServiceServicer_to_server
from realchat_common.database import POOL, STATEMENT_SECONDS, TracedConnection, migrate, open_engine, ping
from realchat_common.ids import new_id
from realchat_common.redis import open_redis
from realchat_common.rpc import rpc_server
from realchat_common.runtime import start, starting
from realchat_common.topics import POINTERS
from realchat_message.attachment_rpc import AttachmentRpc
from realchat_message.attachments import Attachments
from realchat_message.blobs import DaprBlobs
from realchat_message.departed import Departed
from realchat_message.details import MessageDetails
from realchat_message.erasure import Eraser
from realchat_message.events import OwnTopic
from realchat_message.expiry import Expiry
from realchat_message.lanes import Confirmations, Departures, FastLane, Janitor, Sweeper
from realchat_message.log import ConversationLog
from realchat_message.poll_rpc import PollRpc
from realchat_message.receipts import ReceiptLane, Receipts
from realchat_message.relations import Relations
from realchat_message.rpc import MessageRpc
from realchat_message.schedule import Schedule
from realchat_message.schedule_rpc import ScheduleRpc
from realchat_message.search import MessageSearch
from realchat_message.search_rpc import SearchRpc
from realchat_message.segments import DaprSegments
from realchat_message.settings import MessageSettings
from realchat_message.store import MessageStore
from realchat_message.waiting import WaitingMessages


async def main() -> None:
    """Runs until told to stop."""
    settings = MessageSettings()
    async with starting(settings) as runtime:
        sidecar = runtime.sidecar
        url = sidecar.secrets["database-url"]
        engine = open_engine(url)
        runtime.resources.push_async_callback(engine.dispose)
        await migrate(engine, "realchat_message")
        pool = await asyncpg.create_pool(
            url,
            min_size=2,
            max_size=settings.pool_size,
            command_timeout=STATEMENT_SECONDS,
            reset=_as_it_is,
            connection_class=TracedConnection,
        )
        runtime.resources.push_async_callback(pool.close)
        POOL.labels("log", "used").set_function(lambda: pool.get_size() - pool.get_idle_size())
        POOL.labels("log", "most").set(settings.pool_size)
        redis = open_redis(sidecar.secrets["redis-url"])
        runtime.resources.push_async_callback(redis.aclose)

        departures = Departures()
        lane = FastLane(sidecar, departures)
        segments = DaprSegments(sidecar)
        attachments = Attachments(pool, DaprBlobs(sidecar))
        conversation_log = ConversationLog(pool, segments, lane, writer_id=new_id())
        confirmations = Confirmations(pool, conversation_log)
        schedule, expiry = Schedule(pool, conversation_log), Expiry(pool, conversation_log)
        receipt_lane = ReceiptLane(sidecar)
        receipts = Receipts(pool, receipt_lane)
        stream = f"{settings.namespace}{settings.app_id}{POINTERS}outbox"
        janitor = Janitor(pool, redis, sidecar, stream, settings.app_id, settings.janitor_after_seconds)
        sweeper = Sweeper(pool, sidecar, settings.sweep_after_seconds)
        for name, job in {
            "writers": conversation_log.run,
            "fast lane": lane.run,
            "receipt lane": receipt_lane.run,
            "janitor": janitor.run,
            "sweeper": sweeper.run,
            "eraser": Eraser(pool, segments).run,
            "attachments": attachments.run,
            "schedule": schedule.run,
            "expiry": expiry.run,
        }.items():
            runtime.background(name, job)

        details = MessageDetails(engine)
        server = rpc_server(settings.app_api_token.get_secret_value(), sidecar.callers)
        store, relations = MessageStore(engine), Relations(pool)
        departed, waiting = Departed(pool), WaitingMessages(pool)
        rpc = MessageRpc(conversation_log, store, details, receipts, relations, departed, waiting)
        add_MessageServiceServicer_to_server(rpc, server)
        add_AttachmentServiceServicer_to_server(AttachmentRpc(attachments), server)
        add_ScheduleServiceServicer_to_server(ScheduleRpc(schedule, expiry), server)
        add_PollServiceServicer_to_server(PollRpc(conversation_log, details), server)
        add_SearchServiceServicer_to_server(SearchRpc(MessageSearch(engine)), server)
        appcallback_service_v1.add_AppCallbackServicer_to_server(OwnTopic(confirmations, departures), server)  # type: ignore[no-untyped-call]
        runtime.serve_rpc(server, settings.grpc_port)
        runtime.health.add("database", lambda: ping(engine))
        runtime.health.add("redis", redis.ping)
        runtime.serve_internal(FastAPI(title="RealChat message, internal"))
        await runtime.run()


async def _as_it_is(_: asyncpg.Connection[asyncpg.Record]) -> None:
    """Saves the pool a round trip per use: nothing here leaves settings, locks or cursors behind."""


if __name__ == "__main__":
    start(main)
