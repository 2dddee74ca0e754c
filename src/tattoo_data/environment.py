"""The environment: settings resolved to one target, with its open stores, its repository and its clock.

It knows which services a target is made of and how each is found; what is done with them is the rooms' business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit, urlunsplit

from tattoo_data import guard, stack
from tattoo_data.clock import Clock
from tattoo_data.engine.flow import IN_FLIGHT, Progress, no_progress
from tattoo_data.engine.make_equal import VARIABLES
from tattoo_data.engine.rebuild import Rebuilt, rebuild_index
from tattoo_data.errors import ForeignEmulator, StackFailed, StoreMissing, StructureRefused
from tattoo_data.model.entry import StoreName
from tattoo_data.repository.before_images import BeforeImages
from tattoo_data.repository.bodies import Bodies
from tattoo_data.repository.manifests import Manifests
from tattoo_data.repository.runs import Runs, target_id
from tattoo_data.settings import Settings
from tattoo_data.stores.aws import Access
from tattoo_data.stores.base import Description
from tattoo_data.stores.bucket import Bucket
from tattoo_data.stores.discover import find_domain
from tattoo_data.stores.index import IndexOptions, IndexStore
from tattoo_data.stores.index_door import IndexDoor, RetryingIndex
from tattoo_data.stores.live import LiveStores
from tattoo_data.stores.objects import ImageStore
from tattoo_data.stores.retrying import Patience, RetryingBucket, RetryingStore, RetryingStream
from tattoo_data.stores.search import SearchClient, Signer, sigv4
from tattoo_data.stores.streams import TableStream
from tattoo_data.stores.table import TableStore
from tattoo_data.stores.wire import READ_SECONDS, Trace

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a command worked on, without credentials; every result carries it."""

    aws_endpoint: str
    s3_endpoint: str
    opensearch_endpoint: str
    region: str
    table: str
    index: str
    image_bucket: str
    backup_bucket: str
    embedded: bool
    local: bool

    @property
    def id(self) -> str:
        """The name of the target in the repository."""
        return target_id(self.region, self.table, self.index, self.image_bucket)

    def place_of(self, store: StoreName) -> tuple[str, str]:
        """What a store is called there, and where it answers."""
        match store:
            case StoreName.TABLE:
                return self.table, self.aws_endpoint
            case StoreName.INDEX:
                return self.index, self.opensearch_endpoint
            case StoreName.IMAGES:
                return self.image_bucket, self.s3_endpoint

    def require_readable(self, found: Mapping[StoreName, Description | None]) -> None:
        """Raise `StoreMissing` where one of these stores is not there, and `StructureRefused` where what is there is
        none of ours, so that it cannot be read."""
        for store, about in found.items():
            name, endpoint = self.place_of(store)
            if about is None:
                raise StoreMissing(store=store.value, name=name, endpoint=endpoint)
            if about.refused:
                difference = "; ".join(about.refused)
                raise StructureRefused(store=store.value, name=name, difference=difference, variable=VARIABLES[store])

    def document(self) -> dict[str, object]:
        """The JSON form."""
        return {
            "awsEndpoint": self.aws_endpoint,
            "s3Endpoint": self.s3_endpoint,
            "opensearchEndpoint": self.opensearch_endpoint,
            "region": self.region,
            "table": self.table,
            "index": self.index,
            "imageBucket": self.image_bucket,
            "backupBucket": self.backup_bucket,
            "embedded": self.embedded,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Everything a room needs. `notes` is what opening it found worth saying; `open_stream` opens the door to the
    table's stream, which whoever calls it closes."""

    settings: Settings
    target: Target
    stores: LiveStores
    index: IndexDoor
    repository: RetryingBucket
    runs: Runs
    before_images: BeforeImages
    bodies: Bodies
    manifests: Manifests
    pool: Executor
    clock: Clock
    say: Say
    progress: Progress
    open_stream: Callable[[], RetryingStream]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Where the three services of a target answer, every address checked by the guard.

    `search_host` is sent as Host header to OpenSearch, where a gateway routes by it.
    """

    dynamodb: guard.Endpoint
    s3: guard.Endpoint
    opensearch: guard.Endpoint
    search_host: str | None = None
    embedded: bool = False
    notes: tuple[str, ...] = field(default=())


@contextmanager
def open_environment(
    settings: Settings,
    clock: Clock,
    *,
    write: bool = False,
    start: bool = True,
    say: Say = lambda text: None,
    progress: Progress = no_progress,
    trace: Trace | None = None,
    patience: Patience | None = None,
) -> Iterator[Environment]:
    """Find the services, starting the local stack where nothing is named, and open the stores.

    With `write`, an OpenSearch domain that is missing at a named gateway is created. Without `start`, a local stack
    that does not run is `StackFailed`, and a lost index of one that runs is not rebuilt. `patience` is how often what
    fails for load is sent again. Raises `TargetNotAllowed`, `TargetIncomplete`, `ForeignEmulator` or `StackFailed`
    before anything was sent to a store.
    """
    services = find_services(settings, clock, write=write, start=start, say=say, trace=trace)
    with _opened(settings, services, clock, say, progress, trace, patience) as env:
        if services.embedded and start:
            _rebuild_lost(env)
        yield env


def application_variables(env: Environment) -> dict[str, str]:
    """The application's environment variables for a target, as it reads them itself."""
    target = env.target
    key, secret, _ = env.settings.credentials(local=target.local)
    # Credentials that are the user's own are in the environment already, and stay off the screen.
    ours = (key, secret) == ("test", "test")
    credentials = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret} if ours else {}
    return {
        "AWS_ENDPOINT_URL": target.aws_endpoint,
        **({"AWS_ENDPOINT_URL_S3": target.s3_endpoint} if target.s3_endpoint != target.aws_endpoint else {}),
        **credentials,
        "AWS_DEFAULT_REGION": target.region,
        "DYNAMODB_TABLE_NAME": target.table,
        "OPENSEARCH_ENDPOINT": target.opensearch_endpoint,
        "OPENSEARCH_INDEX": target.index,
        "IMAGE_BUCKET": target.image_bucket,
        "BACKUP_BUCKET": target.backup_bucket,
    }


def start_local(
    settings: Settings, clock: Clock, progress: Progress = no_progress
) -> tuple[stack.Stack, Rebuilt | None]:
    """Start the local stack whatever is named, and rebuild its index from its table where that was lost. Returns
    the stack, and what became of a rebuild."""
    options = stack.options_of(settings)
    servers = stack.up(options, clock)
    local = replace(settings, local=True)
    with stack.rebuilding(options) as lost:
        if not lost:
            return servers, None
        with _opened(local, _local_services(servers), clock, lambda text: None, progress) as env:
            return servers, rebuild_index(env.stores, env.pool, env.index)


def find_services(
    settings: Settings, clock: Clock, *, write: bool, start: bool = True, say: Say, trace: Trace | None = None
) -> Services:
    """Where the target's services answer (design 6, "Which target")."""
    target = settings.target()
    if target.embedded:
        return _embedded(settings, clock, say, start=start)
    dynamodb = guard.check(target.dynamodb, allow=settings.allow)
    s3 = guard.check(target.s3, allow=settings.allow)
    if target.opensearch is not None:
        search = guard.check(target.opensearch, allow=settings.allow)
        return Services(dynamodb=dynamodb, s3=s3, opensearch=search)
    ours = stack.running(stack.options_of(settings))
    if ours and _same_address(ours.aws_endpoint, dynamodb.url):
        search = guard.check(ours.opensearch_endpoint, allow=())
        return Services(dynamodb=dynamodb, s3=s3, opensearch=search, embedded=True)
    access = _access(settings, dynamodb, trace)
    gateway = guard.check(settings.aws_endpoint or target.dynamodb, allow=settings.allow)
    domain = find_domain(settings.opensearch_domain, gateway, access, clock, create=write)
    search = replace(gateway, url=gateway.url.rstrip("/") + domain.path)
    return Services(dynamodb=dynamodb, s3=s3, opensearch=search, search_host=domain.host)


def _embedded(settings: Settings, clock: Clock, say: Say, *, start: bool) -> Services:
    options = stack.options_of(settings)
    servers = stack.running(options)
    if servers is None:
        if not start:
            raise StackFailed(reason="it does not run, and was not to be started")
        if not settings.local and stack.foreign_emulator(options):
            raise ForeignEmulator(url=f"http://localhost:{options.aws_port}", home=str(options.home))
        why = "" if settings.local else "No endpoint is named and "
        say(f"{why}{'no' if why else 'No'} local stack is running: starting one.")
        servers = stack.up(options, clock)
        for note in servers.notes:
            say(f"note: {note}")
    return _local_services(servers)


def _local_services(servers: stack.Stack) -> Services:
    aws = guard.check(servers.aws_endpoint)
    return Services(
        dynamodb=aws,
        s3=aws,
        opensearch=guard.check(servers.opensearch_endpoint),
        embedded=True,
        notes=servers.notes,
    )


@contextmanager
def _threads() -> Iterator[Executor]:
    """The threads of a command, which end with it. Who interrupts it does not wait for what they are at: that may be
    somebody else's code, which never ends."""
    with ExitStack() as cleanup:
        pool = ThreadPoolExecutor(2 * IN_FLIGHT)
        cleanup.callback(pool.shutdown)
        try:
            yield pool
        except KeyboardInterrupt:
            cleanup.pop_all()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _rebuild_lost(env: Environment) -> None:
    """Rebuild the index of the local stack where it was lost, or wait for another command that does."""
    with stack.rebuilding(stack.options_of(env.settings)) as lost:
        if lost and (rebuilt := rebuild_index(env.stores, env.pool, env.index)):
            env.say(str(rebuilt))


@contextmanager
def _opened(
    settings: Settings,
    services: Services,
    clock: Clock,
    say: Say,
    progress: Progress,
    trace: Trace | None = None,
    patience: Patience | None = None,
) -> Iterator[Environment]:
    """The stores, the repository and the threads of a command, which end with it."""
    with ExitStack() as cleanup:
        pool = cleanup.enter_context(_threads())
        env = _made(settings, services, clock, pool, say, progress, trace, patience or Patience())
        cleanup.callback(env.stores.close)
        cleanup.callback(env.repository.close)
        yield env


def _made(
    settings: Settings,
    services: Services,
    clock: Clock,
    pool: Executor,
    say: Say,
    progress: Progress,
    trace: Trace | None,
    patience: Patience,
) -> Environment:
    access = _access(settings, services.dynamodb, trace, patience.read_seconds)
    search = SearchClient(
        services.opensearch,
        credentials=_search_credentials(settings),
        signer=_signer(settings, services.opensearch, access),
        host=services.search_host,
        trace=trace,
        read_seconds=patience.read_seconds,
    )
    options = IndexOptions(shards=settings.index_shards, replicas=settings.index_replicas)
    index = RetryingIndex(IndexStore(settings.index, search, clock, options), clock, patience)
    repository = RetryingBucket(Bucket(settings.backup_bucket, services.s3, access, "repository"), clock, patience)
    stores = LiveStores(
        table=RetryingStore(TableStore(settings.table, services.dynamodb, access, clock), clock, patience),
        index=index,
        images=RetryingStore(ImageStore(Bucket(settings.image_bucket, services.s3, access)), clock, patience),
        index_door=index,
    )
    return Environment(
        settings=settings,
        target=_target(settings, services),
        stores=stores,
        index=index,
        repository=repository,
        runs=Runs(repository),
        before_images=BeforeImages(repository),
        bodies=Bodies(repository),
        manifests=Manifests(repository),
        pool=pool,
        clock=clock,
        say=say,
        progress=progress,
        open_stream=lambda: _stream(settings, services, access, clock),
        notes=services.notes,
    )


def _stream(settings: Settings, services: Services, access: Access, clock: Clock) -> RetryingStream:
    """The table's stream answers where the table does, but on AWS itself, which has a host of its own for it."""
    tables = streams = services.dynamodb
    if tables.host.startswith("dynamodb.") and guard.is_aws(tables.host):
        streams = guard.check(tables.url.replace("//dynamodb.", "//streams.dynamodb.", 1), allow=settings.allow)
    return RetryingStream(TableStream(settings.table, tables, streams, access), clock)


def _target(settings: Settings, services: Services) -> Target:
    every = (services.dynamodb, services.s3, services.opensearch)
    return Target(
        aws_endpoint=services.dynamodb.url,
        s3_endpoint=services.s3.url,
        opensearch_endpoint=_search_url(services),
        region=settings.region,
        table=settings.table,
        index=settings.index,
        image_bucket=settings.image_bucket,
        backup_bucket=settings.backup_bucket,
        embedded=services.embedded,
        local=all(endpoint.local for endpoint in every),
    )


def _search_url(services: Services) -> str:
    """Where OpenSearch answers, as the application is to be told: behind a gateway, by the host it routes by."""
    url = services.opensearch.url
    if services.search_host is None:
        return url
    return urlunsplit(urlsplit(url)._replace(netloc=services.search_host))


def _access(
    settings: Settings, endpoint: guard.Endpoint, trace: Trace | None, read_seconds: float = READ_SECONDS
) -> Access:
    key, secret, token = settings.credentials(local=endpoint.local)
    return Access(
        access_key=key,
        secret_key=secret,
        session_token=token,
        region=settings.region,
        trace=trace,
        read_seconds=read_seconds,
    )


def _search_credentials(settings: Settings) -> tuple[str, str] | None:
    if settings.opensearch_username is None:
        return None
    return settings.opensearch_username, settings.opensearch_password or ""


def _signer(settings: Settings, endpoint: guard.Endpoint, access: Access) -> Signer | None:
    """SigV4 for an OpenSearch of AWS itself, which takes nothing else but a user's name and password."""
    if settings.opensearch_username or not guard.is_aws(endpoint.host):
        return None
    return sigv4(access, "aoss" if ".aoss." in endpoint.host else "es")


def _same_address(one: str, other: str) -> bool:
    """Whether two local URLs are one server: `localhost` and `127.0.0.1` are."""
    first, second = urlsplit(one), urlsplit(other)
    names = {"localhost", "127.0.0.1"}
    return first.port == second.port and first.hostname in names and second.hostname in names
