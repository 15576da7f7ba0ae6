# SPDX-License-Identifier: GPL-2.0
"""QEMU's monitor, for what a guest asks of its host: a device that goes and comes, a power cut."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Handle:
    """Where one QEMU's monitor and process number are. The folder's path must be short."""

    folder: Path

    @property
    def words(self) -> tuple[str, ...]:
        return ("-qmp", f"unix:{self.folder}/qmp,server=on,wait=off",
                "-pidfile", f"{self.folder}/pid")

    def execute(self, command: str, **arguments: object) -> object:
        """Runs one command. Events that come in between are of no interest."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as monitor:
            monitor.settimeout(60)
            monitor.connect(f"{self.folder}/qmp")
            with monitor.makefile("rw", encoding="utf-8") as file:
                file.readline()
                for name, given in (("qmp_capabilities", {}), (command, arguments)):
                    file.write(json.dumps({"execute": name, "arguments": given}) + "\n")
                    file.flush()
                    answer: dict = {"event": None}
                    while "event" in answer:
                        answer = json.loads(file.readline())
        if "error" in answer:
            raise OSError(f"{command}: {answer['error']['desc']}")
        return answer["return"]

    def execute_soon(self, command: str, **arguments: object) -> None:
        """The same, again and again for a while: the last device may not have let go of its disk."""
        for _ in range(100):
            try:
                self.execute(command, **arguments)
                return
            except OSError:
                time.sleep(0.05)
        self.execute(command, **arguments)

    def kill(self) -> None:
        """As a power cut: QEMU has no time to do anything."""
        os.kill(int((self.folder / "pid").read_text()), signal.SIGKILL)
