import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TextIO, cast

import pytest
from textual.app import App
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver

from hybridcode.tui.terminal import CATCHING_UP_S, STANDSTILL_S, Beats, LastingOutput, lasting

MORE_THAN_THE_QUEUE_HOLDS = 100


def opened(follower: int, mode: str) -> TextIO:
    """The terminal as a file; it never becomes the one that ends this process when it goes away."""
    return cast(TextIO, os.fdopen(os.open(os.ttyname(follower), os.O_RDWR | os.O_NOCTTY), mode))


@contextmanager
def signals_given_back() -> Generator[None]:
    """A driver takes signals for good, and the child of a later test would run what it set up for them."""
    before = {number: signal.getsignal(number) for number in (signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT)}
    try:
        yield
    finally:
        for number, taker in before.items():
            signal.signal(number, taker)


def test_a_terminal_that_is_gone_takes_every_write() -> None:
    leader, follower = os.openpty()
    with opened(follower, "w") as file:
        os.close(leader)
        lost = LastingOutput(file)
        assert lost.write("abc") == 3
        lost.flush()
        with pytest.raises(OSError):
            file.flush()
        os.dup2(os.open(os.devnull, os.O_WRONLY), file.fileno())
    assert lost.write("abc") == 3
    lost.flush()
    os.close(follower)


async def write_and_stop(driver: Driver, hang_up: Callable[[], None]) -> None:
    driver.start_application_mode()
    hang_up()
    for _ in range(MORE_THAN_THE_QUEUE_HOLDS):
        await asyncio.wait_for(asyncio.to_thread(driver.write, "text"), 5)
    driver.start_application_mode()
    await asyncio.wait_for(asyncio.to_thread(driver.stop_application_mode), 5)
    await asyncio.wait_for(asyncio.to_thread(driver.close), 5)


def test_a_driver_whose_terminal_is_gone_writes_and_stops() -> None:
    leader, follower = os.openpty()

    def hang_up() -> None:
        os.close(leader)
        os.close(follower)

    async def drive() -> None:
        await write_and_stop(lasting(LinuxDriver)(App[object]()), hang_up)

    with signals_given_back(), opened(follower, "w") as file, opened(follower, "r") as keys:
        before = sys.__stderr__, sys.__stdin__
        sys.__stderr__, sys.__stdin__ = file, keys
        try:
            asyncio.run(drive())
        finally:
            sys.__stderr__, sys.__stdin__ = before
        os.dup2(os.open(os.devnull, os.O_WRONLY), file.fileno())


def test_a_driver_that_is_woken_twice_has_one_reader() -> None:
    leader, follower = os.openpty()

    async def drive() -> list[str]:
        before = set(threading.enumerate())
        driver = lasting(LinuxDriver)(App[object]())
        driver.start_application_mode()
        driver.start_application_mode()
        new = set(threading.enumerate()) - before
        names = [thread.name for thread in new if thread.name.startswith("textual-")]
        await asyncio.to_thread(driver.stop_application_mode)
        await asyncio.to_thread(driver.close)
        return sorted(names)

    with signals_given_back(), opened(follower, "w") as file, opened(follower, "r") as keys:
        before = sys.__stderr__, sys.__stdin__
        sys.__stderr__, sys.__stdin__ = file, keys
        try:
            assert asyncio.run(drive()) == ["textual-input", "textual-output"]
        finally:
            sys.__stderr__, sys.__stdin__ = before
        os.close(leader)
        os.dup2(os.open(os.devnull, os.O_WRONLY), file.fileno())


def test_a_reader_that_beats_has_no_doubt_and_one_that_stood_still_has_it_for_all_of_that_time() -> None:
    now = [100.0]
    beats = Beats(lambda: now[0])
    for _ in range(20):
        now[0] += 0.1
        beats.is_set()
        assert beats.doubt_s == 0.0
    now[0] += 1.0
    assert round(beats.doubt_s, 6) == 1.0, "read in the wait that the standstill fell into"
    beats.is_set()
    assert round(beats.doubt_s, 6) == 1.0, "read right behind it"
    now[0] += CATCHING_UP_S / 2
    beats.is_set()
    assert round(beats.doubt_s, 6) == 1.0 + CATCHING_UP_S / 2
    now[0] += STANDSTILL_S / 2
    beats.is_set()
    assert beats.doubt_s == 0.0
