import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.app import App
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver

from hybridcode.tui.terminal import LastingOutput, lasting

MORE_THAN_THE_QUEUE_HOLDS = 100


def test_a_terminal_that_is_gone_takes_every_write() -> None:
    leader, follower = os.openpty()
    with Path(os.ttyname(follower)).open("w") as file:
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

    with Path(os.ttyname(follower)).open("w") as file, Path(os.ttyname(follower)).open() as keys:
        before = sys.__stderr__, sys.__stdin__
        sys.__stderr__, sys.__stdin__ = file, keys
        try:
            asyncio.run(drive())
        finally:
            sys.__stderr__, sys.__stdin__ = before
        os.dup2(os.open(os.devnull, os.O_WRONLY), file.fileno())
