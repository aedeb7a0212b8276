"""The embedded engine as a deployment of Ray Serve: OpenAI's API on every replica.

From the root of the checkout, in an environment with `ray[serve]` and `requirements.txt`:

    PYTHONPATH=. serve run examples.ray_serve.app:app
"""

import os

from ray import serve

from entrypoints.container import Container, decide
from entrypoints.http.app import create_app
from entrypoints.http.drain import Drain
from entrypoints.settings import load


def service():
    """Build what one replica serves; it loads the model with its first request."""
    usual = {"LLM_BACKEND": "embedded", "RESPONSE_STORE": "none", "EMBEDDED_THREADS": "1"}
    settings = decide(load({**usual, **os.environ}))
    return create_app(Container(settings=settings), Drain())


@serve.deployment(
    num_replicas=int(os.environ.get("REPLICAS", "2")),
    # Ray's router gives a replica no more than this at a time; EMBEDDED_PARALLEL of them generate.
    max_ongoing_requests=8,
    ray_actor_options={"num_cpus": 1},
)
@serve.ingress(service)
class Engine:
    pass


app = Engine.bind()
