"""Many jobs: order, resumption, and deaths at every place; the work is a stand-in that leaves a trace of itself."""

import hashlib
import itertools
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from forecast.backtesting.jobs import Job, run_jobs
from forecast.backtesting.workers import ONE_THREAD, executor
from forecast.errors import ForecastError

PATIENCE_SECONDS = 60

cache: dict[str, int] = {}  # lives as long as its process


def work(job: Job) -> xr.Dataset:
    """Numbers from the seed, after the trouble that `data` asks for; leaves a file for each time it is done."""
    traces, trouble = Path(job.data["traces"]), job.data.get("trouble")
    before = len(list(traces.glob(f"{job.name}.*")))
    (traces / f"{job.name}.{before}.{os.getpid()}").touch()
    time.sleep(job.data.get("seconds", 0.0))
    if gate := job.data.get("gate"):
        wait_until(Path(gate).exists)
    if trouble == "error":
        raise ValueError(f"{job.name} is impossible")
    if trouble == "death" or (trouble == "one death" and before == 0):
        os.kill(os.getpid(), signal.SIGKILL)
    if trouble == "no dataset":
        return {"mean": 1.0}
    cache["calls"] = cache.get("calls", 0) + 1
    rng = np.random.default_rng(seed_of(job))
    facts = {"pid": os.getpid(), "calls": cache["calls"], "threads": [os.environ.get(name) for name in ONE_THREAD]}
    return xr.Dataset({"draws": ("draw", rng.normal(size=5) + job.arguments["shift"])}, attrs=facts)


def seed_of(job: Job) -> int:
    return int(job.key[:15], 16)


def other_work(job: Job) -> xr.Dataset:
    return xr.Dataset({"draws": ("draw", np.zeros(1))})


def rich_work(job: Job) -> xr.Dataset:
    """All that a result may hold."""
    rows = pd.DataFrame({"task": ["sums", "日本語"], "crps": [0.1, np.inf], "n": [1, 2], "good": [True, False]})
    facts = {
        "max_rhat": np.float64(1.01),
        "n": np.int64(3),
        "reasons": ["a", None],
        "more": {"inf": np.inf},
        "no": None,
    }
    draws = {"draws": (("draw", "row"), np.random.default_rng(seed_of(job)).normal(size=(3, 2)).astype(np.float32))}
    return rows.rename_axis("row").to_xarray().assign(draws).assign_attrs(facts)


def jobs_of(traces, count, **data) -> list[Job]:
    shared = {"traces": str(traces)} | data
    return [Job(name=f"job{i}", arguments={"table": "hash", "shift": i}, data=shared) for i in range(count)]


def troubled(job: Job, trouble: str) -> Job:
    return replace(job, data=job.data | {"trouble": trouble})


def numbers(outcomes) -> list[list[float]]:
    return [outcome.result.draws.values.tolist() for outcome in outcomes]


def times_done(traces) -> dict[str, int]:
    names = sorted(path.name.split(".")[0] for path in traces.iterdir())
    return {name: len(list(group)) for name, group in itertools.groupby(names)}


def wait_until(condition, seconds=PATIENCE_SECONDS):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def alive(pid) -> bool:
    with suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "results"


@pytest.fixture
def traces(tmp_path):
    (tmp_path / "traces").mkdir()
    return tmp_path / "traces"


@pytest.fixture
def undisturbed(tmp_path):
    """The numbers of five jobs that were never interrupted."""
    (tmp_path / "other traces").mkdir()
    return numbers(run_jobs(work, jobs_of(tmp_path / "other traces", 5), folder=tmp_path / "undisturbed"))


# The key


def test_the_key_is_of_arguments_and_version_alone():
    job = Job(name="a", arguments={"x": 1, "y": [1.5, None]})
    assert job.key == Job(name="b", arguments={"y": [1.5, None], "x": 1}, data="other").key
    others = [Job(name="a", arguments={"x": 2, "y": [1.5, None]}), Job(name="a", arguments=job.arguments, version=2)]
    assert len({each.key for each in [job, *others]}) == 3


def test_the_key_is_the_same_for_ever_so_that_results_outlive_the_process():
    job = Job(name="a", arguments={"é": [True], "x": 1.5})
    canonical = '{"arguments":{"x":1.5,"\\u00e9":[true]},"schema":1,"version":1}'
    assert job.key == hashlib.sha256(canonical.encode()).hexdigest()


def test_arguments_that_json_cannot_hold_are_refused_before_any_work(folder, traces):
    strange = Job(name="strange", arguments={"x": object()})
    with pytest.raises(ValueError, match=r"'strange'.*JSON"):
        run_jobs(work, [*jobs_of(traces, 1), strange], folder=folder)
    assert times_done(traces) == {}


# One run and the next


def test_outcomes_come_in_the_order_of_the_jobs_and_workers_keep_caches_and_have_one_thread(
    folder, traces, undisturbed
):
    jobs = [replace(job, data=job.data | {"seconds": 0.1 * (5 - i)}) for i, job in enumerate(jobs_of(traces, 5))]
    before = dict(os.environ)
    outcomes = run_jobs(work, jobs, folder=folder, workers=2)
    assert [outcome.job for outcome in outcomes] == jobs and numbers(outcomes) == undisturbed
    assert all(outcome.seconds >= 0.1 * (5 - i) for i, outcome in enumerate(outcomes))
    facts = [outcome.result.attrs for outcome in outcomes]
    assert all(each["threads"] == ["1"] * len(ONE_THREAD) for each in facts) and dict(os.environ) == before
    calls = {pid: sorted(each["calls"] for each in facts if each["pid"] == pid) for pid in {f["pid"] for f in facts}}
    assert len(calls) <= 2 and os.getpid() not in calls
    assert all(counted == list(range(1, len(counted) + 1)) for counted in calls.values())
    assert not any(map(alive, calls))


def test_numbers_do_not_depend_on_the_order_of_work(folder, traces, undisturbed):
    assert numbers(run_jobs(work, jobs_of(traces, 5)[::-1], folder=folder)) == undisturbed[::-1]


def test_a_second_run_does_only_what_is_missing(folder, traces, undisturbed):
    jobs = jobs_of(traces, 5)
    first = run_jobs(work, jobs[:3], folder=folder)
    second = run_jobs(work, jobs, folder=folder)
    assert set(times_done(traces).values()) == {1}
    assert [outcome.stored for outcome in second] == [True] * 3 + [False] * 2
    assert numbers(second) == undisturbed and [o.seconds for o in second[:3]] == [o.seconds for o in first]


def test_another_version_is_another_result(folder, traces):
    job = jobs_of(traces, 1)[0]
    newer = replace(job, version=2)
    first, second = (run_jobs(work, [each], folder=folder)[0] for each in (job, newer))
    assert not second.stored and numbers([first]) != numbers([second])


def test_jobs_with_equal_keys_are_done_once(folder, traces):
    job = jobs_of(traces, 1)[0]
    again = replace(job, name="again")
    outcomes = run_jobs(work, [job, again], folder=folder)
    assert [outcome.job.name for outcome in outcomes] == ["job0", "again"] and len(list(traces.iterdir())) == 1
    assert outcomes[0].result.identical(outcomes[1].result)


def test_a_stored_result_is_the_fresh_one(folder):
    job = Job(name="rich", arguments={})
    fresh, stored = (run_jobs(rich_work, [job], folder=folder)[0] for _ in range(2))
    assert stored.stored and fresh.result.identical(stored.result)
    assert fresh.result.draws.dtype == np.float32 and fresh.result.draws.identical(rich_work(job).draws)
    frame = fresh.result[["task", "crps", "n", "good"]].to_dataframe()
    pd.testing.assert_frame_equal(frame, rich_work(job)[["task", "crps", "n", "good"]].to_dataframe())
    more = {"reasons": ["a", None], "more": {"inf": np.inf}, "no": None}
    assert fresh.result.attrs == {"max_rhat": 1.01, "n": 3} | more


@pytest.mark.parametrize("damage", ["empty", "half", "one bit", "of another job", "of other work"])
def test_files_that_cannot_be_trusted_are_ignored_and_replaced(folder, traces, damage, undisturbed, caplog):
    jobs = jobs_of(traces, 5)
    run_jobs(work, jobs, folder=folder)
    path, whole = folder / f"{jobs[2].key}.nc", (folder / f"{jobs[2].key}.nc").read_bytes()
    middle = len(whole) // 2
    flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    contents = {"empty": b"", "half": whole[:middle], "one bit": flipped}
    if damage in contents:
        path.write_bytes(contents[damage])
    elif damage == "of another job":
        path.write_bytes((folder / f"{jobs[3].key}.nc").read_bytes())
    else:
        path.unlink()
        run_jobs(other_work, jobs[2:3], folder=folder)
    (folder / f".{jobs[2].key}.nc.xyz").write_bytes(whole[:100])  # as a kill leaves it
    outcomes = run_jobs(work, jobs, folder=folder)
    assert numbers(outcomes) == undisturbed and [outcome.stored for outcome in outcomes].count(False) == 1
    assert times_done(traces) == {f"job{i}": 2 if i == 2 else 1 for i in range(5)}
    assert "job2" in caplog.text
    assert all(outcome.stored for outcome in run_jobs(work, jobs, folder=folder))


# Trouble


@pytest.mark.parametrize("trouble", ["error", "no dataset"])
def test_a_failing_job_is_reported_and_tried_again_by_the_next_run(folder, traces, undisturbed, trouble):
    jobs = jobs_of(traces, 5)
    outcomes = run_jobs(work, [*jobs[:2], troubled(jobs[2], trouble), *jobs[3:]], folder=folder)
    said = {"error": "ValueError: job2 is impossible", "no dataset": "TypeError: the work returned dict"}[trouble]
    assert outcomes[2].result is None and outcomes[2].error.startswith(said) and said in outcomes[2].trace
    assert numbers(outcomes[:2] + outcomes[3:]) == undisturbed[:2] + undisturbed[3:]
    again = run_jobs(work, jobs, folder=folder)
    assert numbers(again) == undisturbed and [outcome.stored for outcome in again].count(False) == 1


def test_a_worker_that_dies_is_replaced_and_the_others_go_on(folder, traces, undisturbed):
    jobs = jobs_of(traces, 5, seconds=0.2)
    jobs[1:4] = troubled(jobs[1], "one death"), troubled(jobs[2], "death"), troubled(jobs[3], "error")
    unpicklable = Job(name="unpicklable", arguments={}, data=lambda: None)
    *outcomes, unsent = run_jobs(work, [*jobs, unpicklable], folder=folder, workers=2)
    assert "lambda" in unsent.error
    assert "died 2 times" in outcomes[2].error and "SIGKILL (is memory short?)" in outcomes[2].error
    assert outcomes[3].error == "ValueError: job3 is impossible"
    assert numbers([outcomes[i] for i in (0, 1, 4)]) == [undisturbed[i] for i in (0, 1, 4)]
    assert times_done(traces) == {"job0": 1, "job1": 2, "job2": 2, "job3": 1, "job4": 1}


def test_a_script_without_a_main_guard_tells_the_remedy_and_does_not_hang(tmp_path):
    script = tmp_path / "script.py"
    run = (
        "run_jobs(rich_work, [Job(name=str(n), arguments={'n': n}) for n in range(3)], folder=Path('jobs'), workers=2)"
    )
    script.write_text(f"""
from pathlib import Path
from forecast.backtesting.jobs import Job, run_jobs
from tests.backtesting.test_jobs import rich_work
print([outcome.error for outcome in {run}], flush=True)  # a worker is killed in the end, and its buffer with it
""")
    places = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": places},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert "__main__" in done.stdout  # as Python says it, in a worker that runs the script too
    assert done.stdout.endswith("[None, None, None]\n")


def test_progress_counts_every_job_and_tells_the_time_left_from_those_of_this_run(folder, traces):
    jobs = jobs_of(traces, 5, seconds=0.05)
    run_jobs(work, jobs[:2], folder=folder)
    seen = []
    some = [*jobs[:3], troubled(jobs[3], "error"), jobs[4]]
    *_, first, second, _ = (each.seconds for each in run_jobs(work, some, folder=folder, progress=seen.append))
    assert [(p.done, p.failed, p.total) for p in seen] == [(2, 0, 5), (3, 0, 5), (3, 1, 5), (4, 1, 5)]
    assert min(first, second) >= 0.05
    assert [p.seconds_left for p in seen] == [None, 2 * first, pytest.approx((first + second) / 2), 0]


def test_a_folder_that_cannot_hold_results_is_a_known_error(tmp_path, traces):
    (tmp_path / "file").touch()
    with pytest.raises(ForecastError, match=r"file.*cannot hold results"):
        run_jobs(work, jobs_of(traces, 1), folder=tmp_path / "file")
    assert times_done(traces) == {}


def test_no_workers_are_a_wrong_argument(folder):
    with pytest.raises(ValueError, match="at least 1"):
        run_jobs(work, [], folder=folder, workers=0)


# Kill and resume


def gated_jobs(traces) -> list[Job]:
    """Five jobs, of which all but two end only when the gate is there: whatever comes before comes in mid-run."""
    gate = {"gate": str(traces.parent / "gate")}
    return [replace(job, data=job.data | gate) if i >= 2 else job for i, job in enumerate(jobs_of(traces, 5))]


def in_mid_run(folder, traces) -> bool:
    begun = times_done(traces).keys() & {"job2", "job3", "job4"}
    return len(list(folder.glob("[!.]*.nc"))) == 2 and len(begun) > 0


def main(folder, traces, workers):
    """The run of the tests below, in a process of its own; Ctrl-C counts even where the tests run in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # `&` and nohup leave it ignored, which is inherited
    try:
        run_jobs(work, gated_jobs(Path(traces)), folder=Path(folder), workers=workers)
    except KeyboardInterrupt:
        sys.exit(130)


@pytest.fixture
def started(folder, traces):
    """Starts that process and waits for two results and another job begun; what is left of it ends with the test."""
    with ExitStack() as started:

        def start(workers):
            code = (
                f"from tests.backtesting import test_jobs; test_jobs.main({str(folder)!r}, {str(traces)!r}, {workers})"
            )
            run = subprocess.Popen(
                [sys.executable, "-c", code],
                cwd=Path(__file__).parents[2],
                start_new_session=True,
                stderr=subprocess.PIPE,
            )
            started.enter_context(run)  # closes its pipe and waits for it
            started.callback(end_group, run)
            wait_until(lambda: in_mid_run(folder, traces))
            return run

        yield start


def end_group(run):
    if run.poll() is None:
        os.killpg(run.pid, signal.SIGKILL)


def assert_no_worker_is_left_and_the_rest_is_done(folder, traces, undisturbed):
    pids = {int(path.name.split(".")[2]) for path in traces.iterdir()}
    wait_until(lambda: not any(map(alive, pids)), PATIENCE_SECONDS / 4)  # they would wait at the gate for longer
    first = times_done(traces)
    (traces.parent / "gate").touch()
    outcomes = run_jobs(work, gated_jobs(traces), folder=folder)
    assert numbers(outcomes) == undisturbed
    assert [outcome.stored for outcome in outcomes] == [True, True, False, False, False]
    assert times_done(traces) == {f"job{i}": first.get(f"job{i}", 0) + (i >= 2) for i in range(5)}
    assert first["job0"] == first["job1"] == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_started_again_redoes_only_what_is_missing(folder, traces, workers, undisturbed, started):
    run = started(workers)
    run.kill()
    run.communicate(timeout=PATIENCE_SECONDS)
    assert_no_worker_is_left_and_the_rest_is_done(folder, traces, undisturbed)


@pytest.mark.parametrize("inherited", [signal.SIG_DFL, signal.SIG_IGN], ids=["in the foreground", "in the background"])
def test_ctrl_c_stops_at_once_and_keeps_what_is_done(folder, traces, undisturbed, started, inherited):
    with sigint(inherited):
        run = started(2)
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does: to the workers too
    _, said = run.communicate(timeout=PATIENCE_SECONDS / 2)
    assert run.returncode == 130 and said == b""
    assert_no_worker_is_left_and_the_rest_is_done(folder, traces, undisturbed)


@contextmanager
def sigint(handler):
    """What processes started from here inherit: a shell's job in the background ignores Ctrl-C."""
    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


# A cluster


def test_a_cluster_of_which_a_worker_is_killed_brings_all_results(folder, traces, undisturbed, cluster):
    jobs = gated_jobs(traces)
    jobs[3] = troubled(jobs[3], "error")
    killed = []

    def kill_a_busy_worker(progress):
        if progress.done == 2 and not killed:
            wait_until(lambda: in_mid_run(folder, traces))
            name, _, pid = next(path for path in traces.iterdir() if path.name[3] in "234").name.split(".")
            os.kill(int(pid), signal.SIGKILL)
            killed.append(name)
            (traces.parent / "gate").touch()

    outcomes = run_jobs(work, jobs, folder=folder, scheduler=cluster.scheduler_address, progress=kill_a_busy_worker)
    assert outcomes[3].error == "ValueError: job3 is impossible"
    assert numbers(outcomes[:3] + outcomes[4:]) == undisturbed[:3] + undisturbed[4:]
    assert times_done(traces)[killed[0]] == 2
    again = run_jobs(work, jobs_of(traces, 5), folder=folder)
    assert numbers(again) == undisturbed and [outcome.stored for outcome in again].count(False) == 1


def test_a_scheduler_that_goes_away_is_a_known_error(cluster):
    with (
        pytest.raises(ForecastError, match="is gone; results so far are kept"),
        executor(1, cluster.scheduler_address),
    ):
        raise CancelledError  # what the futures of a lost scheduler do


def test_a_scheduler_that_does_not_answer_is_a_known_error(folder, traces, monkeypatch):
    pytest.importorskip("dask.distributed")
    monkeypatch.setattr("forecast.backtesting.workers.CONNECT_SECONDS", 0.5)
    for address in ("tcp://127.0.0.1:9", "nonsense"):
        with pytest.raises(ForecastError, match=f"no Dask scheduler answers at '{address}'"):
            run_jobs(work, jobs_of(traces, 1), folder=folder, scheduler=address)


def test_a_scheduler_without_the_extra_is_a_known_error(folder, traces, monkeypatch):
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    with pytest.raises(ForecastError, match="extra `dask`"):
        run_jobs(work, jobs_of(traces, 1), folder=folder, scheduler="tcp://127.0.0.1:9")


def test_dask_is_imported_for_a_scheduler_only(folder, traces):
    code = (
        "import forecast.backtesting.jobs, sys; assert not {'dask', 'distributed', 'pymc', 'nutpie'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
