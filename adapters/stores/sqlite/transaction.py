"""One transaction: all of it or nothing."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator


@contextlib.contextmanager
def reading(connection: sqlite3.Connection) -> Generator[None]:
    """See the file as of one moment."""
    with _begun(connection, "BEGIN"):
        yield


@contextlib.contextmanager
def writing(connection: sqlite3.Connection) -> Generator[None]:
    """Be the one who writes.

    A transaction that reads first and then writes fails at once when another process writes in
    between, whatever the timeout. This one waits before it reads.
    """
    with _begun(connection, "BEGIN IMMEDIATE"):
        yield


@contextlib.contextmanager
def _begun(connection: sqlite3.Connection, begin: str) -> Generator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # Some failures have rolled back by themselves.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def one_of_many(connection: sqlite3.Connection) -> Generator[None]:
    """Be one of several parts of a transaction; one that fails undoes itself alone."""
    connection.execute("SAVEPOINT part")
    try:
        yield
    except BaseException:
        # Some failures have rolled back everything by themselves.
        if connection.in_transaction:
            connection.execute("ROLLBACK TO part")
            connection.execute("RELEASE part")
        raise
    connection.execute("RELEASE part")
