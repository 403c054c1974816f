"""Suites in processes of their own, some at a time: most of their time goes by
in waiting. What one prints appears when it ends."""
import os
import pickle
import signal
import sys
import tempfile
import time
import traceback

from outcome import Results


def _child(name, suite, verbose, said, told):
    """Does not return."""
    status, began = 1, time.monotonic()
    try:
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
        results = Results(verbose)
        suite(results)
        print(f"{name}: {results.passed} passed "
              f"in {time.monotonic() - began:.0f} s, "
              f"{sum(os.times()[:4]):.0f} s of CPU")
        pickle.dump(results, told)
        told.flush()
        status = 0
    except SystemExit as e:
        status = e.code
    except BaseException:  # pylint: disable=broad-except
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)  # what is to be stopped at exit is the parent's


class Running:
    """A suite under way."""

    def __init__(self, name, suite, verbose):
        self.name = name
        # pylint: disable=consider-using-with
        self.said = tempfile.TemporaryFile()
        self.told = tempfile.TemporaryFile()
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            _child(name, suite, verbose, self.said, self.told)

    def end(self, results):
        """It has ended: what it said, and what came of it."""
        self.said.seek(0)
        sys.stdout.write(self.said.read().decode(errors="replace"))
        self.told.seek(0)
        try:
            results.add(pickle.load(self.told))
        except EOFError:
            results.fail(f"{self.name}: did not come to its end")
        sys.stdout.flush()
        self.said.close()
        self.told.close()


def run(names, suites, jobs, verbose):
    """All of these, so many at a time; the results of all."""
    results = Results(verbose)
    waiting, running = list(names), {}
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                name = waiting.pop(0)
                one = Running(name, suites[name], verbose)
                running[one.pid] = one
            pid, _ = os.wait()
            if pid in running:
                running.pop(pid).end(results)
    finally:
        # We were stopped: so are they, and with them their servers.
        for pid in running:
            os.kill(pid, signal.SIGTERM)
        for pid in running:
            os.waitpid(pid, 0)
    return results
