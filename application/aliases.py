"""Names that stand for other models, for tools with hard-wired ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from domain.errors import InvalidRequestError
from domain.models import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from application.ports.llm import ChatStream, LLMPort
    from domain.chat import ChatRequest
    from domain.completion import CompletionRequest
    from domain.embeddings import EmbedRequest, EmbedResult
    from domain.models import ModelDetails, ModelSummary


def aliased(llm: LLMPort, aliases: Mapping[str, str]) -> LLMPort:
    """Return ``llm`` with more names: itself where there are none."""
    return AliasedLLM(llm, aliases) if aliases else llm


class AliasedLLM:
    """A server whose models have further names.

    This is the one place that knows them: whoever asks keeps the name that was asked for, and
    whoever answers never sees it.
    """

    def __init__(self, llm: LLMPort, aliases: Mapping[str, str]) -> None:
        self._llm = llm
        self._aliases = dict(aliases)
        self._targets = {canonical(alias): target for alias, target in aliases.items()}

    async def stream(self, request: ChatRequest) -> ChatStream:
        return await self._llm.stream(replace(request, model=self._resolve(request.model)))

    async def complete_prompt(self, request: CompletionRequest) -> ChatStream:
        asked = replace(request, model=self._resolve(request.model))
        return await self._llm.complete_prompt(asked)

    async def embed(self, request: EmbedRequest) -> EmbedResult:
        return await self._llm.embed(replace(request, model=self._resolve(request.model)))

    async def list_models(self) -> Sequence[ModelSummary]:
        models = await self._llm.list_models()
        plain = [model for model in models if canonical(model.name) not in self._targets]
        return sorted([*plain, *self._entries(models)], key=lambda m: m.created, reverse=True)

    async def show_model(self, name: str) -> ModelDetails:
        return replace(await self._llm.show_model(self._resolve(name)), name=name)

    async def delete_model(self, name: str) -> None:
        if canonical(name) in self._targets:
            message = f"'{name}' is an alias of this server's settings and cannot be deleted."
            raise InvalidRequestError(message, code="model_is_alias", param="model")
        await self._llm.delete_model(name)

    async def check(self) -> None:
        await self._llm.check()

    async def aclose(self) -> None:
        await self._llm.aclose()

    def _resolve(self, model: str) -> str:
        return self._targets.get(canonical(model), model)

    def _entries(self, models: Sequence[ModelSummary]) -> list[ModelSummary]:
        """Return an entry for each alias of a model that there is."""
        known = {canonical(model.name): model for model in models}
        return [
            replace(known[canonical(target)], name=alias, alias_of=target)
            for alias, target in self._aliases.items()
            if canonical(target) in known
        ]
