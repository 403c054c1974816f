"""Counting what passed and what failed."""
import os
import sys
import time
import traceback


class Skip(Exception):
    """What the test needs is not there."""


class Results:
    def __init__(self, verbose=False):
        self.passed = self.failed = self.skipped = 0
        self.failures = []
        self.verbose = verbose

    def run(self, name, fn, *args):
        began = time.monotonic()
        try:
            fn(*args)
        except Skip as e:
            self.skipped += 1
            print(f"skip  {name}: {e}")
        except Exception:  # pylint: disable=broad-except
            self.fail(f"{name}\n{traceback.format_exc(limit=-4)[-1500:]}")
            print(self.failures[-1])
        else:
            self.passed += 1
            if self.verbose:
                print(f"ok    {name} ({time.monotonic() - began:.2f} s)")
        sys.stdout.flush()

    def fail(self, what):
        self.failed += 1
        self.failures.append(f"FAIL  {what}")

    def add(self, other):
        """Another's results to these."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures

    def summary(self):
        """The closing line; what failed stands above it once more, because
        the end of a log is what somebody elsewhere gets to see."""
        for failure in self.failures[:5]:
            print(failure)
        line = f"{self.passed} passed, {self.failed} failed"
        if self.skipped:
            line += f", {self.skipped} skipped"
        return line


def slow():
    """Is this a sanitizer's build?"""
    return "TSAN_OPTIONS" in os.environ or "ASAN_OPTIONS" in os.environ


def patience(seconds):
    """How long something may take: sanitizers make all of it slower, and one
    of them waits a second at the end."""
    return seconds * 2 if slow() else seconds


def equal(got, expected, what=""):
    if got != expected:
        raise AssertionError(f"{what}: got {got!r}, expected {expected!r}")


def true(condition, what):
    if not condition:
        raise AssertionError(what)
