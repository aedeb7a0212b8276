"""What is built from what, each once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from dependency_injector import containers, providers

from adapters.images import GuardedImages
from adapters.key_file import KeyFile
from adapters.llamacpp.llm import LlamaCppLLM
from adapters.ollama.requests import ContextWindows
from adapters.schema import RustSchemas
from adapters.stores.memory import MemoryStore
from adapters.stores.room import IN_MEMORY, ON_DISK, ON_SERVER, Room
from adapters.stores.sqlite.store import SQLiteStore
from adapters.system import RandomIds, SystemClock
from adapters.transport.upstream import Upstream
from adapters.vocabulary import PackagedVocabularies
from adapters.workers.hub import Hub
from adapters.workers.link import Link
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
from application.models import ModelsService
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
from entrypoints.container import access, backends, stores, traces
from entrypoints.key_watch import KeyWatch
from entrypoints.settings import Settings

if TYPE_CHECKING:
    from adapters.tracing import OTLPTracing


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
    upstreams: providers.Provider[Mapping[str, Upstream]] = providers.Singleton(
        backends.upstreams, settings
    )
    ollama: providers.Provider[LLMPort] = providers.Singleton(
        backends.ollama, upstreams, ids, windows
    )
    engines: providers.Provider[LLMPort] = providers.Singleton(backends.engines, upstreams, ids)
    libraries: providers.Provider[Mapping[str, LibraryPort]] = providers.Singleton(
        backends.libraries, settings
    )
    embedded: providers.Provider[LLMPort] = providers.Singleton(
        LlamaCppLLM,
        ids,
        settings.provided.gguf,
        threads=settings.provided.threads,
        parallel=settings.provided.embedded_parallel,
        context_length=settings.provided.embedded_context,
    )
    scripted: providers.Provider[LLMPort] = providers.Singleton(backends.scripted, settings)
    backend: providers.Provider[LLMPort] = providers.Singleton(
        backends.recorded,
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
    places: providers.Provider[PlacesPort] = providers.Singleton(access.places, admission, link)
    accounts: providers.Provider[AccountsPort] = providers.Singleton(
        access.accounts, settings, clock, link
    )
    hub: providers.Provider[Hub] = providers.Factory(Hub, admission, accounts)
    tracing: providers.Provider[OTLPTracing | None] = providers.Singleton(traces.exporter, settings)
    timed: providers.Provider[LLMPort] = providers.Singleton(TimedLLM, backend, limits)
    # Around that: an answer that is too slow is one that failed, and not one that was left.
    traced: providers.Provider[LLMPort] = providers.Singleton(
        traces.around, timed, tracing, settings
    )
    figures: providers.Provider[Figures] = providers.Singleton(Figures)
    admitted: providers.Provider[LLMPort] = providers.Singleton(
        AdmittedLLM, traced, places, figures
    )
    named: providers.Provider[LLMPort] = providers.Singleton(
        aliased, admitted, settings.provided.aliases
    )
    keyring: providers.Provider[KeyRing] = providers.Singleton(access.keyring, settings, accounts)
    keys: providers.Provider[KeysService] = providers.Singleton(
        KeysService, providers.Factory(KeyFile, settings.provided.key_file), ids
    )
    key_watch: providers.Provider[KeyWatch] = providers.Singleton(KeyWatch, keyring, clock)
    llm: providers.Provider[LLMPort] = providers.Singleton(access.limited, named, settings)
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
    medium: providers.Provider[stores.Store] = providers.Selector(
        settings.provided.store_kind,
        memory=providers.Singleton(
            MemoryStore, clock, providers.Factory(stores.room, settings, IN_MEMORY)
        ),
        sqlite=providers.Singleton(
            SQLiteStore,
            settings.provided.store_path,
            clock,
            providers.Factory(stores.room, settings, ON_DISK),
        ),
        valkey=providers.Singleton(
            stores.valkey,
            settings.provided.response_store,
            providers.Factory(stores.room, settings, ON_SERVER),
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
        ContextService, responses=responses, answers=answers
    )
    conversations: providers.Provider[ConversationsService] = providers.Singleton(
        ConversationsService, ids=ids, clock=clock, store=store
    )
    repeats: providers.Provider[Repeats] = providers.Singleton(Repeats, store)
    health: providers.Provider[HealthService] = providers.Singleton(HealthService, llm, defaults)
