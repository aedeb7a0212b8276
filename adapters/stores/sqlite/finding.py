"""Items by their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

from adapters.stores import codec
from adapters.stores.sqlite.rows import RESPONSE
from domain.items import response_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from adapters.stores.sqlite.rows import Rows
    from domain.items import Item

# An item's id, the id of the entry that it is in, and the item, if it is not in the entry's body.
_Place: TypeAlias = tuple[str, str, bytes | None]

# Where rows say that items are, and where their ids do; the places written last come first. With
# the index by its name: the planner would read all items of the owner.
_PLACES = """
    WITH wanted (item_id, response_id) AS (
        SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?1)
    )
    SELECT item_id, id, data FROM (
        SELECT item_id, id, data, turn FROM wanted
            CROSS JOIN item INDEXED BY item_by_id USING (item_id)
            JOIN entry USING (owner, kind, id)
            WHERE owner = ?2 AND written > ?3
        UNION ALL
        SELECT item_id, id, NULL, turn FROM wanted
            CROSS JOIN entry ON id = response_id
            WHERE owner = ?2 AND kind = ?4 AND written > ?3
    ) ORDER BY turn DESC
"""


def find_items(rows: Rows, owner: str, item_ids: Collection[str]) -> dict[str, Item]:
    """Return items from where they were written last; a response is decoded once for all in it."""
    found: dict[str, Item] = {}
    responses: dict[str, Mapping[str, Item]] = {}
    for item_id, id_, data in _places(rows, owner, item_ids):
        if item_id in found:
            continue
        if data is not None:
            found[item_id] = codec.decode_item(data)
            continue
        if id_ not in responses:
            response = codec.decode_response(rows.body((owner, RESPONSE, id_)))
            items = reversed((*response.output, *response.input))
            responses[id_] = {item.id: item for item in items}
        # An id may say that an item is in a response that does not have it.
        if item_id in responses[id_]:
            found[item_id] = responses[id_][item_id]
    return found


def _places(rows: Rows, owner: str, item_ids: Collection[str]) -> list[_Place]:
    wanted = msgspec.json.encode([(item_id, response_of(item_id)) for item_id in item_ids])
    values = (wanted.decode(), owner, rows.deadline, RESPONSE)
    return rows.connection.execute(_PLACES, values).fetchall()
