"""Parts of what someone says to the domain's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.errors import InvalidRequestError
from domain.items import AnswerText, ImageInput, ItemPart, Refusal
from domain.messages import TextPart
from entrypoints.http.openai.images import image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entrypoints.http.openai.responses import wire

# `text` and `image_url` are the words of Chat Completions; clients mix them up.
_TEXTS = frozenset({"input_text", "output_text", "text", "summary_text", "reasoning_text"})
_IMAGES = frozenset({"input_image", "image_url"})
_REFUSED = {
    "input_file": "Files ('input_file') are not read here; send their text instead.",
    "input_audio": "Audio ('input_audio') is not supported.",
    "computer_screenshot": "Screenshots are taken as 'input_image' only.",
}


def parts(given: Sequence[wire.InputPart], path: str, *, images: bool) -> tuple[ItemPart, ...]:
    """Return what a user, or a tool, says.

    Raises:
        InvalidRequestError: a part is of a kind that is not taken here.
    """
    out: list[ItemPart] = []
    for index, part in enumerate(given):
        where = f"{path}[{index}]"
        if part.type in _IMAGES and images:
            out.append(_image(part, where))
        else:
            out.append(TextPart(_text(part, where)))
    return tuple(out)


def answer_parts(given: Sequence[wire.InputPart], path: str) -> tuple[ItemPart, ...]:
    """Return what an assistant said; log probabilities are not read back.

    Raises:
        InvalidRequestError: a part is of a kind that an assistant does not use.
    """
    out: list[ItemPart] = []
    for index, part in enumerate(given):
        where = f"{path}[{index}]"
        if part.type == "refusal":
            if part.refusal is None:
                raise missing(where, "refusal")
            out.append(Refusal(part.refusal))
        else:
            out.append(AnswerText(_text(part, where)))
    return tuple(out)


def text_of(given: Sequence[wire.InputPart], path: str) -> tuple[str, ...]:
    """Return the texts of parts that are texts.

    Raises:
        InvalidRequestError: one is none.
    """
    return tuple(_text(part, f"{path}[{index}]") for index, part in enumerate(given))


def missing(path: str, name: str) -> InvalidRequestError:
    """Return the error for a field that the object at ``path`` must have."""
    param = f"{path}.{name}"
    message = f"Missing required parameter: '{param}'."
    return InvalidRequestError(message, code="missing_required_parameter", param=param)


def _text(part: wire.InputPart, path: str) -> str:
    if part.type not in _TEXTS:
        raise _unknown(part.type, path)
    if part.text is None:
        raise missing(path, "text")
    return part.text


def _image(part: wire.InputPart, path: str) -> ImageInput:
    if part.image_url is None:
        if part.file_id is not None:
            message = f"Unsupported parameter: '{path}.file_id': there are no files here."
            raise InvalidRequestError(
                message, code="unsupported_parameter", param=f"{path}.file_id"
            )
        raise missing(path, "image_url")
    if isinstance(part.image_url, str):
        return ImageInput(image(part.image_url, f"{path}.image_url"), part.detail or "auto")
    detail = part.detail or part.image_url.detail or "auto"
    return ImageInput(image(part.image_url.url, f"{path}.image_url.url"), detail)


def _unknown(kind: str, path: str) -> InvalidRequestError:
    if kind in _IMAGES:
        message = "Images are taken in user messages and tools' outputs only."
    elif kind in _REFUSED:
        message = _REFUSED[kind]
    else:
        message = f"Invalid value: '{kind}'. Supported values are: 'input_text', 'input_image'."
        return InvalidRequestError(message, code="invalid_value", param=f"{path}.type")
    return InvalidRequestError(message, code="unsupported_value", param=f"{path}.type")
