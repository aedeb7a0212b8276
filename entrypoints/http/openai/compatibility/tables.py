"""The tables of all endpoints: the one source of GET /compatibility and of the document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entrypoints.http.openai.chat import support as chat
from entrypoints.http.openai.completions import support as completions
from entrypoints.http.openai.embeddings import support as embeddings
from entrypoints.http.openai.responses import support as responses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from entrypoints.http.openai.support import Table

# An endpoint joins here with its table.
TABLES: Mapping[str, Table] = {
    "POST /v1/chat/completions": chat.FIELDS,
    "POST /v1/responses": responses.FIELDS,
    "POST /v1/completions": completions.FIELDS,
    "POST /v1/embeddings": embeddings.FIELDS,
}
