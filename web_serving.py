"""Waitress as the web page is served by it: bounded, in memory alone, and with JSON also for what is no HTTP."""

import errno
import json
import socket
import time

from flask import Flask
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ErrorTask, ThreadedTaskDispatcher

from shell import UserError, describe_os_error
from web_guard import HEADERS, Limits

THREADS = 8  # that answer requests: more than processors, since some wait for a model or data set that is opened
CONNECTIONS, SILENCE = 256, 20  # at once; seconds without a byte after which one is closed
SENDING = 60  # seconds in which a request must have come, however it drips
HEADER_BYTES = 32 << 10  # of a request: its address may hold a text of 2,000 characters
WORDS = {400: "the request is no HTTP that can be read", 413: f"{Limits().too_long}; send less",
         431: "the address or headers are too long; send the fields as JSON instead"}  # fmt: skip


class JsonErrorTask(ErrorTask):
    """What is answered where a request does not get as far as the application."""

    def execute(self) -> None:
        """Sends it."""
        error = self.request.error
        body = json.dumps({"error": WORDS.get(error.code, error.reason.lower())}).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.extend([("Content-Type", "application/json"), *HEADERS.items()])
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Channel(HTTPChannel):
    """A connection."""

    error_task_class = JsonErrorTask
    began = 0.0  # when the request that comes now did, or the last one that came

    def received(self, data: bytes) -> bool:
        """Takes bytes of a request."""
        if self.request is None:
            self.began = time.time()
        return super().received(data)

    def is_stuck(self, now: float) -> bool:
        """Whether the other side drips its request, or takes nothing of its answers, which a thread may wait for."""
        drips = self.request is not None and self.began < now - SENDING
        return drips or (self.total_outbufs_len > 0 and self.last_activity < now - self.adj.channel_timeout)


class Server(TcpWSGIServer):
    """A listening socket."""

    channel_class = Channel

    def maintenance(self, now: float) -> None:
        """Closes connections that are silent, as Waitress does, and those that are stuck, which it would keep."""
        super().maintenance(now)
        for channel in list(self.active_channels.values()):
            if channel.is_stuck(now):
                channel.handle_close()


def make_server(app: Flask, host: str, port: int) -> Server:
    """Waitress, listening.

    Raises:
        UserError: The address is in use, none of this machine, or not allowed.
    """
    try:
        settings = _settings(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
        ipv4_first = sorted(settings.listen, key=lambda place: place[0] != socket.AF_INET)  # as of localhost
        dispatcher = ThreadedTaskDispatcher()
        server = Server(app, {}, dispatcher=dispatcher, adj=settings, sockinfo=ipv4_first[0])
    except ValueError:  # of a name that nobody knows
        raise UserError(f"--host {host}: expected an address of this machine, received another; try "
                        f"127.0.0.1") from None  # fmt: skip
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UserError(f"--port {port}: expected a free one, but something listens there; stop it, or choose "
                            f"another") from None  # fmt: skip
        reason = describe_os_error(error).lower()
        raise UserError(f"--host {host} --port {port}: cannot listen there ({reason}); choose others") from None
    dispatcher.set_thread_count(THREADS)
    return server


def _settings(place: str) -> Adjustments:
    limits = Limits()
    return Adjustments(
        listen=place,
        connection_limit=CONNECTIONS,
        channel_timeout=SILENCE,
        cleanup_interval=SILENCE // 4,
        max_request_header_size=HEADER_BYTES,
        max_request_body_size=limits.body + 1,
        inbuf_overflow=limits.body + 1,  # beyond, waitress would write to the disk
        outbuf_overflow=1 << 26,
        asyncore_use_poll=True,
        ident=None,
        expose_tracebacks=False,
    )
