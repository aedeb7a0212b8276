"""Types of fields that OpenAI has at several endpoints, with their bounds."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

Name = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[a-zA-Z0-9_-]+$")]
ShortText = Annotated[str, Meta(max_length=64)]
Metadata = Annotated[dict[ShortText, Annotated[str, Meta(max_length=512)]], Meta(max_length=16)]
Temperature = Annotated[float, Meta(ge=0, le=2)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Seed = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Tokens = Annotated[int, Meta(ge=1)]
TopLogprobs = Annotated[int, Meta(ge=0, le=20)]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Verbosity = Literal["low", "medium", "high"]
CacheRetention = Literal["in_memory", "in-memory", "24h"]
ImageDetail = Literal["auto", "low", "high", "original"]


class ImageURL(Struct, forbid_unknown_fields=True):
    """An image by URL."""

    url: str
    detail: ImageDetail | None = None


class StreamOptions(Struct, forbid_unknown_fields=True):
    """What a stream brings beside the answer."""

    include_usage: bool | None = None
    include_obfuscation: bool | None = None
