"""``python -m entrypoints.cli.attended``: the service for as long as whoever started it lives.

It ends when its standard input does, however its parent ended.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from entrypoints.cli import options, serve


def _watch() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    threading.Thread(target=_watch, daemon=True).start()
    sys.exit(serve.run(options.settings()))
