"""The server and the worker in one process group: nothing else to start.

The first process loads everything, once, and serves nobody. The server processes are forked from it: what was loaded
lies in memory once, and they begin at once. One of them, whichever has the lock, is the worker as well.
"""

import ctypes
import gc
import multiprocessing
import os
import platform
import signal
import socket
import sys
import threading
from functools import partial
from select import select

from flask import Flask
from granian.constants import Interfaces
from granian.server import Server

from moderation import worker
from moderation.config import bind_address
from moderation.db import db

#: Requests already taken, and the worker's round, are finished within this many seconds after SIGTERM.
DRAIN = 20
#: Seconds between two looks of a server process at whether the one that started it still lives.
LOOK = 1.0
#: From glibc's malloc.h.
M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
#: Bytes from which a piece of memory is its own, and goes back when it is freed.
LARGE = 2**20


def claim_address(bind: str) -> None:
    """See whether the address is free. Raises `OSError`: granian would share it with a server that runs already."""
    host, port = bind_address(bind)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # What a server that has just ended leaves behind is no hindrance, one that listens is.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def serve(app: Flask) -> None:
    """Serve the app until SIGINT or SIGTERM: taken requests are finished, the worker ends its round."""
    host, port = bind_address(app.config["BIND"])
    # Until the server has a handler of its own, there is nothing to finish; but no connection is left half closed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    # Only then: Ctrl-C is a SIGTERM from here on.
    _hear_ctrl_c_alone()
    _hold_sigterm()
    _be_shared()
    _let_sigterm()
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
    multiprocessing.set_start_method("fork", force=True)
    os.register_at_fork(before=_hold_sigterm, after_in_parent=_let_sigterm, after_in_child=_end_by_sigterm)
    server.serve(target_loader=partial(_begin, app, os.getpid()), wrap_loader=False)


def _be_shared() -> None:
    """Let go of what must not be used by two, and of what need not lie in memory."""
    db.session.remove()
    # No connection and no file of SQLite's crosses the fork: each process opens its own.
    for engine in db.engines.values():
        engine.dispose()
    gc.collect()
    # A collection writes into each object it looks at; what is frozen is left alone, and so stays shared.
    gc.freeze()
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        # An arena for each thread would be a heap for each, and only one thread at a time runs Python.
        libc.mallopt(M_ARENA_MAX, 1)
        # Left alone it rises to the largest piece that was ever freed: a password's 19 MiB would stay.
        libc.mallopt(M_MMAP_THRESHOLD, LARGE)
        libc.malloc_trim(0)


def _hear_ctrl_c_alone() -> None:
    """Take Ctrl-C as SIGTERM, in this process alone: it reaches all of the group, whose others are told to stop by it.

    The processes begin deaf, for they inherit the mask of the thread that starts them: none is interrupted half begun.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})

    def wait() -> None:
        # Where it is held, it is held in all threads.
        _hold_sigterm()
        signal.sigwait({signal.SIGINT})
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="ctrl-c", daemon=True).start()


def _hold_sigterm() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})


def _let_sigterm() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def _end_by_sigterm() -> None:
    """Forget the first process' handler, which only notes there that all are to stop; what was held comes now."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _let_sigterm()


def _begin(app: Flask, parent: int) -> Flask:
    """Begin a server process: it ends when the one that started it is killed, and stands by as the worker."""
    stop = threading.Event()
    heard, told = os.pipe()
    os.set_blocking(told, False)
    # Whoever handles signals from now on, what comes is written there too.
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(heard, parent, stop), name="parent", daemon=True).start()
    # Not a daemon: the process ends when the round has.
    threading.Thread(target=worker.stand_by, args=(app, stop), name="worker").start()
    return app


def _watch(heard: int, parent: int, stop: threading.Event) -> None:
    """Stop the worker as soon as SIGTERM comes, and the process when its parent has gone."""
    while not stop.is_set():
        if select([heard], [], [], LOOK)[0]:
            if signal.SIGTERM in os.read(heard, 64):
                stop.set()
        elif os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)
