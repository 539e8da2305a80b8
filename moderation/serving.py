"""The server and the worker in one process group: nothing else to start."""

import importlib
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from multiprocessing import resource_tracker
from typing import cast

from flask import Flask
from granian.constants import Interfaces
from granian.server import Server

from moderation import worker
from moderation.config import bind_address

#: Requests already taken are finished within this many seconds after SIGTERM.
DRAIN = 20
#: Seconds between two looks of a server process at whether the one that started it still lives.
LOOK = 1.0


def claim_address(bind: str) -> None:
    """See whether the address is free. Raises `OSError`: granian would share it with a server that runs already."""
    host, port = bind_address(bind)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # What a server that has just ended leaves behind is no hindrance, one that listens is.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def serve(app: Flask) -> None:
    """Serve `wsgi:app` until SIGINT or SIGTERM: taken requests are finished, the worker ends its round."""
    host, port = bind_address(app.config["BIND"])
    stop = threading.Event()
    _hear_ctrl_c_alone()
    # Not by fork: what this process has open (SQLite's files, PostgreSQL's connections) must not be used by two.
    multiprocessing.set_start_method("spawn", force=True)
    server = Server(
        "wsgi:app",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=app.config["WORKERS"],
        blocking_threads=app.config["THREADS"],
        websockets=False,
        log_enabled=app.config["LOG_LEVEL"] == "debug",
        respawn_failed_workers=True,
        workers_kill_timeout=DRAIN,
        process_name=None,
    )
    os.environ["MODERATION_INSTANCE_PATH"] = app.config["INSTANCE_PATH"]
    loop = threading.Thread(target=worker.run, args=(app, stop), name="worker", daemon=True)
    server.on_startup(loop.start)
    server.on_shutdown(stop.set)
    server.serve(target_loader=_load)
    stop.set()
    loop.join(timeout=DRAIN)


def _hear_ctrl_c_alone() -> None:
    """Take Ctrl-C as SIGTERM, in this process alone: it reaches all of the group, whose others are told to stop by it.

    The processes begin deaf, for they inherit the mask of the thread that starts them: none is interrupted half begun.
    """
    # It opens the mask again when it starts, so it starts now.
    resource_tracker.ensure_running()
    # Until the server has a handler of its own, there is nothing to finish.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})

    def wait() -> None:
        signal.sigwait({signal.SIGINT})
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="ctrl-c", daemon=True).start()


def _load(target: str) -> Callable[..., object]:
    """Load the application in a server process, which ends when the process that started it is killed."""
    threading.Thread(target=_end_with, args=(os.getppid(),), name="parent", daemon=True).start()
    module, _, name = target.partition(":")
    return cast("Callable[..., object]", getattr(importlib.import_module(module), name))


def _end_with(parent: int) -> None:
    never = threading.Event()
    while os.getppid() == parent:
        never.wait(LOOK)
    os.kill(os.getpid(), signal.SIGTERM)
