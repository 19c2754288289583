"""Workers of `forecast.backtesting.jobs`: processes or a Dask cluster, both as executors of `concurrent.futures`."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.resource_tracker import ensure_running
from queue import LifoQueue
from typing import Any

from forecast.errors import ForecastError, shown

logger = logging.getLogger(__name__)
CONNECT_SECONDS = 5  # a scheduler that is there answers in less than one
ATTEMPTS = 2  # at a call whose process dies: once more, since the kernel may have picked it for another's memory
EXIT_SECONDS = 5  # between closing its pipe and its end
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
}
_spawn = get_context("spawn")  # a fork would copy locks that threads of numba or BLAS hold
_starting = threading.Lock()  # the environment belongs to all threads


@contextmanager
def executor(workers: int, scheduler: str | None) -> Iterator[tuple[Executor | None, Callable[[], int]]]:
    """What does the work, and how many calls it does at once; None in place of an executor: this process.

    Calls that are under way when the context is left are given up. A `ForecastError` says what a scheduler lacks.
    """
    if scheduler is not None:
        with _cluster(scheduler) as cluster:
            yield cluster
    elif workers == 1:
        yield None, lambda: 1
    else:
        with Processes(workers) as processes:
            yield processes, lambda: workers


@contextmanager
def _cluster(address: str) -> Iterator[tuple[Executor, Callable[[], int]]]:
    try:
        from dask.distributed import Client, Security
        from distributed.comm import CommClosedError, connect
    except ImportError as error:
        raise ForecastError(
            "a scheduler needs the extra `dask`, which is not installed; `python3 -m uv sync --extra dask`, "
            "or work without a scheduler"
        ) from error

    async def greet() -> None:  # a client would wait for ever where something else listens
        arguments = Security().get_connection_args("client")
        comm = await asyncio.wait_for(connect(address, timeout=CONNECT_SECONDS, **arguments), CONNECT_SECONDS)
        await comm.close()

    try:
        with ThreadPoolExecutor(1) as thread:  # since this one may have an event loop, as in a notebook
            thread.submit(asyncio.run, greet()).result()
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ForecastError(
            f"no Dask scheduler answers at {shown(address)}; `dask scheduler` starts one and prints its address"
        ) from error
    try:
        threads = client.nthreads()
        if not threads:
            logger.warning("the scheduler has no workers yet; `dask worker %s --nthreads 1` starts one", address)
        if max(threads.values(), default=1) > 1:
            logger.warning("a worker does one job at a time; start workers with --nthreads 1 and more --nworkers")
        yield client.get_executor(pure=False), lambda: len(client.nthreads())
    except (CancelledError, CommClosedError) as error:
        farewell = logging.getLogger("distributed.client")  # a traceback of the attempts to connect again
        farewell.disabled = True
        client.close()
        farewell.disabled = False
        raise ForecastError(
            f"the scheduler at {shown(address)} is gone; results so far are kept, start again for the rest"
        ) from error
    finally:
        client.close()


class Processes(Executor):
    """An executor of worker processes, each looked after by a thread, so that a death is known to be of one call.

    `concurrent.futures.ProcessPoolExecutor` cannot be used: one death breaks all of its calls, it has no way to stop
    a running call (before Python 3.14), and its workers outlive a parent that is killed. Here a call whose process
    dies is made once more in a new one, then its future has a `ForecastError`; leaving the executor kills all workers,
    whatever they do. Each has one thread for numerical libraries and starts when it is first needed.
    """

    def __init__(self, workers: int) -> None:
        self._workers = [_Worker() for _ in range(workers)]
        self._idle: LifoQueue[_Worker] = LifoQueue()  # the last to finish is warm
        for worker in self._workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(workers)

    def submit(self, fn: Callable, /, *args: Any, **kwargs: Any) -> Future:
        """A future of ``fn(*args, **kwargs)``, all of which is pickled; what it raises arrives as a `RuntimeError`."""
        return self._threads.submit(self._call, fn, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:
        """Kill the workers and wait until they are gone, in any case; calls that have not ended never will."""
        for worker in self._workers:
            worker.close()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for worker in self._workers:
            worker.reap()

    def _call(self, *call: Any) -> Any:
        worker = self._idle.get()
        try:
            return worker.call(*call)
        finally:
            self._idle.put(worker)


class _Worker:
    """A process that answers one call after another, started again when it has died."""

    def __init__(self) -> None:
        self._closed = False
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None

    def call(self, *call: Any) -> Any:
        end = ""
        for _ in range(ATTEMPTS):
            pipe = self._started()
            try:
                pipe.send(call)
                value, error = pipe.recv()
            except (EOFError, OSError):
                end = self.reap()
            else:
                if error is not None:
                    raise RuntimeError(error)
                return value
        raise ForecastError(f"its worker process died {ATTEMPTS} times, at last by {end}")

    def close(self) -> None:
        with _starting:
            self._closed, process = True, self._process
        if process is not None:
            process.kill()

    def _started(self) -> Connection:
        with _starting:
            if self._closed:
                raise ForecastError("the workers are closed")
            if self._pipe is None:
                ours, theirs = _spawn.Pipe()
                process = _spawn.Process(target=_serve, args=(theirs,))
                with _inherited_by_workers():
                    process.start()  # raises in a script without `if __name__ == "__main__"`, which a worker runs too
                theirs.close()  # else its end would go unnoticed
                self._pipe, self._process = ours, process
            return self._pipe

    def reap(self) -> str:
        """Let go of a process that is dead or about to die; how it ended."""
        if self._process is None or self._pipe is None:
            return ""
        self._process.join(EXIT_SECONDS)
        code = self._process.exitcode
        self._process.kill()
        self._process.join()
        self._pipe.close()
        self._process = self._pipe = None
        if code is None or code >= 0:
            return f"exit code {code}"
        hint = " (is memory short?)" if -code == signal.SIGKILL else ""
        return f"signal {signal.Signals(-code).name}{hint}"


@contextmanager
def _inherited_by_workers() -> Iterator[None]:
    """What holds in a worker from its first instruction on: one thread a library, and no interrupts.

    Libraries read the environment before any code of ours could set it. A terminal sends Ctrl-C to workers too, but
    the parent alone decides what it means.
    """
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    ensure_running()  # the resource tracker: its start would let through the signal that is blocked here
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _serve(pipe: Connection) -> None:
    """What a worker process does: answer calls until its parent is gone."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            function, args, kwargs = pipe.recv()
            answer: tuple[Any, str | None] = (function(*args, **kwargs), None)
        except EOFError:
            return
        except Exception as error:
            answer = (None, f"{type(error).__name__}: {error}")
        pipe.send(answer)


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)  # in the middle of a call: nobody waits for its result
