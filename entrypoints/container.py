"""The composition root: what is built from what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec
from dependency_injector import containers, providers

from adapters.images import GuardedImages
from adapters.key_file import KeyFile
from adapters.llamacpp import model_file
from adapters.llamacpp.llm import LlamaCppLLM
from adapters.ollama import probe
from adapters.ollama.library import OllamaLibrary
from adapters.ollama.llm import OllamaLLM
from adapters.ollama.requests import ContextWindows
from adapters.openai_upstream.llm import OpenAILLM
from adapters.schema import RustSchemas
from adapters.scripted import script, tape
from adapters.scripted.builtin import ECHO, Builtin
from adapters.scripted.errors import SourceError
from adapters.scripted.llm import ScriptedLLM
from adapters.scripted.recording import RecordingLLM
from adapters.scripted.replay import Recording
from adapters.scripted.steps import Source
from adapters.stores.memory import MemoryStore
from adapters.stores.room import IN_MEMORY, ON_DISK, ON_SERVER, Room
from adapters.stores.sqlite.store import SQLiteStore
from adapters.system import RandomIds, SystemClock
from adapters.transport.upstream import Upstream
from adapters.vocabulary import PackagedVocabularies
from adapters.workers.hub import Hub
from adapters.workers.link import Link, LinkedPlaces
from application.account import Accounts
from application.admission import Admission
from application.admitted import AdmittedLLM
from application.aliases import aliased
from application.answers import Answers
from application.background import BackgroundService
from application.chat import ChatService
from application.compaction import ContextService
from application.completions import CompletionsService
from application.conversations import ConversationsService
from application.defaults import Defaults
from application.embeddings import EmbeddingsService
from application.figures import Figures
from application.health import HealthService
from application.keyring import KeyRing
from application.keys import KeysService
from application.lease import Lease
from application.limited import LimitedLLM
from application.models import ModelsService
from application.pool import pooled
from application.ports.images import ImagePort
from application.ports.library import LibraryPort
from application.ports.limits import AccountsPort, PlacesPort
from application.ports.llm import LLMPort
from application.ports.schema import SchemaPort
from application.ports.store import ResponseStorePort
from application.ports.system import ClockPort, IdPort
from application.ports.vocabulary import VocabularyPort
from application.repeats import Repeats
from application.responses import ResponsesService
from application.runs import Runs
from application.streaming import Limits
from application.timed import TimedLLM
from application.tokens import TokenTexts
from application.watched_store import StoreFigures, WatchedStore
from entrypoints.key_watch import KeyWatch
from entrypoints.settings import Settings, SettingsError

if TYPE_CHECKING:
    from adapters.tracing import OTLPTracing

_DAY_S = 24 * 3600


class Store(ResponseStorePort, Protocol):
    """A store that holds a file or connections."""

    async def aclose(self) -> None:
        """Let go of them; a second time does nothing."""
        ...


def _valkey(url: str, room: Room) -> Store:
    # The client's package is large: loaded only where it is used.
    from adapters.stores.valkey.store import ValkeyStore  # noqa: PLC0415 - see above

    return ValkeyStore(url, room)


def _source(settings: Settings) -> Source:
    """Return what the scripted backend answers by.

    Raises:
        SettingsError: the file cannot be used.
    """
    try:
        if settings.record_file:
            return Recording(tape.read(Path(settings.record_file)))
        return script.load(Path(settings.script_file)) if settings.script_file else Builtin()
    except SourceError as error:
        name = "RECORD_FILE" if settings.record_file else "SCRIPT_FILE"
        raise SettingsError([f"{name}: {error}"]) from error


def _scripted(settings: Settings) -> LLMPort:
    return ScriptedLLM(_source(settings))


def _recorded(backend: LLMPort, settings: Settings) -> LLMPort:
    if not settings.record_file or settings.llm_backend == "scripted":
        return backend
    return RecordingLLM(backend, Path(settings.record_file))


def _room(settings: Settings, usual: Room) -> Room:
    ttl_s = settings.response_ttl_days * _DAY_S
    limit_bytes = settings.response_store_bytes or usual.limit_bytes
    return replace(usual, ttl_s=ttl_s, limit_bytes=limit_bytes)


def _places(admission: Admission, link: Link | None) -> PlacesPort:
    return admission if link is None else LinkedPlaces(link)


def _accounts(settings: Settings, clock: ClockPort, link: Link | None) -> AccountsPort:
    return Accounts(clock, settings.queue_timeout_s) if link is None else link


def _keyring(settings: Settings, accounts: AccountsPort) -> KeyRing:
    path = settings.key_file
    file = None if path is None else KeyFile(path)
    return KeyRing(settings.api_keys, file, settings.aliases, accounts)


def _tracing(settings: Settings) -> OTLPTracing | None:
    if not settings.otel_exporter_otlp_endpoint:
        return None
    # Its packages need not be installed.
    from adapters.tracing import OTLPTracing  # noqa: PLC0415 - see above

    return OTLPTracing(settings.otel_exporter_otlp_endpoint)


def _traced(llm: LLMPort, tracing: OTLPTracing | None, settings: Settings) -> LLMPort:
    return llm if tracing is None else tracing.around(llm, settings.llm_backend)


def _limited(llm: LLMPort, settings: Settings) -> LLMPort:
    # Only the keys of a file have limits.
    return llm if settings.key_file is None else LimitedLLM(llm)


def _ollama(settings: Settings, ids: IdPort, windows: ContextWindows) -> LLMPort:
    def server(url: str) -> LLMPort:
        return OllamaLLM(Upstream(url, connect_s=settings.connect_timeout_s), ids, windows)

    return pooled({url: server(url) for url in settings.model_servers})


def _libraries(settings: Settings) -> Mapping[str, LibraryPort]:
    """Return what each Ollama keeps, by its address."""
    connect_s = settings.connect_timeout_s
    return {
        url: OllamaLibrary(Upstream(url, connect_s=connect_s)) for url in settings.model_servers
    }


def _engines(settings: Settings, ids: IdPort) -> LLMPort:
    def server(url: str) -> LLMPort:
        connect_s, key = settings.connect_timeout_s, settings.upstream_api_key
        return OpenAILLM(Upstream(url, connect_s=connect_s, key=key, reuse=False), ids)

    return pooled({url: server(url) for url in settings.model_servers})


class Container(containers.DeclarativeContainer):
    """Builds each object once; tests override single providers."""

    settings = providers.Dependency(instance_of=Settings)

    clock: providers.Provider[ClockPort] = providers.Singleton(SystemClock)
    ids: providers.Provider[IdPort] = providers.Singleton(RandomIds)
    schemas: providers.Provider[SchemaPort] = providers.Singleton(RustSchemas)
    defaults: providers.Provider[Defaults] = providers.Singleton(
        Defaults,
        settings.provided.default_model,
        settings.provided.default_temperature,
        settings.provided.keeps,
    )
    limits: providers.Provider[Limits] = providers.Singleton(
        Limits,
        first_token_s=settings.provided.first_token_timeout_s,
        idle_s=settings.provided.idle_timeout_s,
        total_s=settings.provided.total_timeout_s,
    )
    windows: providers.Provider[ContextWindows] = providers.Singleton(
        ContextWindows, settings.provided.num_ctx, settings.provided.windows
    )
    ollama: providers.Provider[LLMPort] = providers.Singleton(_ollama, settings, ids, windows)
    engines: providers.Provider[LLMPort] = providers.Singleton(_engines, settings, ids)
    libraries: providers.Provider[Mapping[str, LibraryPort]] = providers.Singleton(
        _libraries, settings
    )
    embedded: providers.Provider[LLMPort] = providers.Singleton(
        LlamaCppLLM,
        ids,
        settings.provided.gguf,
        threads=settings.provided.threads,
        parallel=settings.provided.embedded_parallel,
        context_length=settings.provided.embedded_context,
    )
    scripted: providers.Provider[LLMPort] = providers.Singleton(_scripted, settings)
    backend: providers.Provider[LLMPort] = providers.Singleton(
        _recorded,
        providers.Selector(
            settings.provided.llm_backend,
            ollama=ollama,
            openai=engines,
            embedded=embedded,
            scripted=scripted,
        ),
        settings,
    )
    admission: providers.Provider[Admission] = providers.Singleton(
        Admission,
        settings.provided.max_concurrency,
        settings.provided.max_queue,
        settings.provided.queue_timeout_s,
    )
    # To the process that keeps what several share; None where this process serves alone.
    link: providers.Provider[Link | None] = providers.Object(None)
    new_link: providers.Provider[Link] = providers.Singleton(Link, clock)
    places: providers.Provider[PlacesPort] = providers.Singleton(_places, admission, link)
    accounts: providers.Provider[AccountsPort] = providers.Singleton(
        _accounts, settings, clock, link
    )
    hub: providers.Provider[Hub] = providers.Factory(Hub, admission, accounts)
    tracing: providers.Provider[OTLPTracing | None] = providers.Singleton(_tracing, settings)
    timed: providers.Provider[LLMPort] = providers.Singleton(TimedLLM, backend, limits)
    # Around that: an answer that is too slow is one that failed, and not one that was left.
    traced: providers.Provider[LLMPort] = providers.Singleton(_traced, timed, tracing, settings)
    figures: providers.Provider[Figures] = providers.Singleton(Figures)
    admitted: providers.Provider[LLMPort] = providers.Singleton(
        AdmittedLLM, traced, places, figures
    )
    named: providers.Provider[LLMPort] = providers.Singleton(
        aliased, admitted, settings.provided.aliases
    )
    keyring: providers.Provider[KeyRing] = providers.Singleton(_keyring, settings, accounts)
    keys: providers.Provider[KeysService] = providers.Singleton(
        KeysService, providers.Factory(KeyFile, settings.provided.key_file), ids
    )
    key_watch: providers.Provider[KeyWatch] = providers.Singleton(KeyWatch, keyring, clock)
    llm: providers.Provider[LLMPort] = providers.Singleton(_limited, named, settings)
    vocabularies: providers.Provider[VocabularyPort] = providers.Singleton(PackagedVocabularies)
    tokens: providers.Provider[TokenTexts] = providers.Singleton(TokenTexts, vocabularies)
    images: providers.Provider[ImagePort] = providers.Singleton(
        GuardedImages, settings.provided.image_hosts
    )
    answers: providers.Provider[Answers] = providers.Singleton(
        Answers, llm=llm, ids=ids, schemas=schemas, images=images
    )
    chat: providers.Provider[ChatService] = providers.Singleton(
        ChatService, answers=answers, ids=ids, clock=clock
    )
    completions: providers.Provider[CompletionsService] = providers.Singleton(
        CompletionsService, llm=llm, ids=ids, clock=clock
    )
    embeddings: providers.Provider[EmbeddingsService] = providers.Singleton(
        EmbeddingsService, llm, limits
    )
    models: providers.Provider[ModelsService] = providers.Singleton(
        ModelsService, llm, may_delete=settings.provided.allow_model_delete
    )
    medium: providers.Provider[Store] = providers.Selector(
        settings.provided.store_kind,
        memory=providers.Singleton(
            MemoryStore, clock, providers.Factory(_room, settings, IN_MEMORY)
        ),
        sqlite=providers.Singleton(
            SQLiteStore,
            settings.provided.store_path,
            clock,
            providers.Factory(_room, settings, ON_DISK),
        ),
        valkey=providers.Singleton(
            _valkey, settings.provided.response_store, providers.Factory(_room, settings, ON_SERVER)
        ),
        # With room for nothing, everything is forgotten at once.
        none=providers.Singleton(MemoryStore, clock, Room(entries=0)),
    )
    store_figures: providers.Provider[StoreFigures] = providers.Singleton(StoreFigures)
    store: providers.Provider[ResponseStorePort] = providers.Singleton(
        WatchedStore, medium, store_figures
    )
    responses: providers.Provider[ResponsesService] = providers.Singleton(
        ResponsesService, answers=answers, ids=ids, clock=clock, store=store
    )
    lease: providers.Provider[Lease] = providers.Singleton(Lease, store, ids)
    runs: providers.Provider[Runs] = providers.Singleton(Runs, lease)
    background: providers.Provider[BackgroundService] = providers.Singleton(
        BackgroundService,
        responses=responses,
        answers=answers,
        ids=ids,
        clock=clock,
        store=store,
        runs=runs,
    )
    contexts: providers.Provider[ContextService] = providers.Singleton(
        ContextService, responses=responses, answers=answers, ids=ids, clock=clock
    )
    conversations: providers.Provider[ConversationsService] = providers.Singleton(
        ConversationsService, ids=ids, clock=clock, store=store
    )
    repeats: providers.Provider[Repeats] = providers.Singleton(Repeats, store)
    health: providers.Provider[HealthService] = providers.Singleton(HealthService, llm, defaults)


# Where Ollama listens unless told otherwise (Ollama `envconfig/config.go`).
_OLLAMA_URL = "http://localhost:11434"
_OLLAMA_MODEL = "llama3.2"


def decide(settings: Settings) -> Settings:
    """Return settings in which the backend, its address and the default model are set.

    ``auto`` is Ollama where an address is given or one answers at its usual place, and else
    the embedded engine.
    """
    backend = settings.llm_backend
    if backend == "auto":
        found = settings.ollama_url or probe.answers(_OLLAMA_URL)
        backend = "ollama" if found else "embedded"
    model = settings.default_model
    if not model and backend == "scripted":
        model = next(iter(_source(settings).models), ECHO)
    elif not model:
        model = _OLLAMA_MODEL if backend == "ollama" else model_file.model_name(settings.gguf)
    return msgspec.structs.replace(
        settings,
        llm_backend=backend,
        ollama_url=settings.ollama_url or _OLLAMA_URL,
        default_model=model,
    )
