"""Jupyter's way to a forked kernel: a provisioner, and a manager that asks for it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Any, cast

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase

from kpi_kit.batch.kernels import client

if TYPE_CHECKING:
    from jupyter_client.connect import KernelConnectionInfo

PROVISIONER = "kpi-kit-fork"
"""The entry point by which Jupyter finds the provisioner."""
_PROMPT = 1.0
"""Seconds in which a kernel that is known to be ready answers, before it is asked in the usual way."""


class ForkedProcess:
    """A forked kernel, as the standard provisioner sees a process.

    Parameters
    ----------
    forked : Forked
    pid : int
    """

    stdin = stdout = stderr = None

    def __init__(self, forked: client.Forked, pid: int) -> None:
        self.forked, self.pid = forked, pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """None while it lives; its connection ends with it."""
        if self.returncode is None:
            try:
                if self.forked.connection.recv(1, socket.MSG_DONTWAIT) == b"":
                    self._ended()
            except BlockingIOError:
                pass
            except OSError:
                self._ended()
        return self.returncode

    def _ended(self) -> None:
        self.returncode = -signal.SIGKILL
        self.forked.close()

    def wait(self) -> int | None:
        """Its exit code; whoever calls this has seen it end."""
        return self.poll()

    def send_signal(self, number: int) -> None:
        """Signal the process while it is there."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it with its whole group."""
        self.send_signal(signal.SIGKILL)
        self._ended()


class ForkProvisioner(LocalProvisioner):
    """Gets kernels by fork from a process that has imported everything.

    A kernel specification asks for it with ``"metadata": {"kernel_provisioner": {"provisioner_name":
    "kpi-kit-fork"}}``.
    """

    _arguments: list[str]

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Write no connection file: the kernel is told, and says where its sockets are."""
        if self.pid is not None:
            raise RuntimeError("a forked kernel cannot be started again: its sockets are gone")
        self._arguments = list(kwargs.pop("extra_arguments", []))
        kwargs.pop("transport_encryption", None)
        command = [*self.kernel_spec.argv, *self._arguments]
        return await KernelProvisionerBase.pre_launch(self, cmd=command, **kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Have a kernel forked, and wait until its sockets are bound."""
        manager: Any = self.parent
        session = manager.session
        cwd = str(kwargs.get("cwd") or Path.cwd())
        asked = {
            "arguments": self._arguments,
            "env": kwargs["env"],
            "cwd": str(Path(cwd).resolve()),
            "key": session.key.decode(),
            "signature_scheme": session.signature_scheme,
        }
        forked = client.current().kernel()
        try:
            client.send(forked.connection, json.dumps(asked).encode())
            told = json.loads(await asyncio.to_thread(client.receive, forked.connection))
        except (OSError, EOFError):
            forked.close()
            raise RuntimeError("the kernel ended before it was ready") from None
        except BaseException:
            forked.close()
            raise
        self.pid = self.pgid = told.pop("pid")
        self.process = cast(Any, ForkedProcess(forked, self.pid))
        self.cwd = cwd
        manager.connection_file = str(Path(told.pop("folder")) / "kernel.json")
        told |= {"key": session.key, "signature_scheme": session.signature_scheme}
        self.connection_info = cast("KernelConnectionInfo", told)
        return self.connection_info

    async def wait(self) -> int | None:
        """Until it has ended, without the tenth of a second that the standard one sleeps."""
        while self.process is not None and self.process.poll() is None:
            await asyncio.sleep(0.002)
        self.process = None
        return 0

    async def kill(self, restart: bool = False) -> None:
        """End it with its whole group, at once."""
        if self.process is not None:
            self.process.kill()

    async def cleanup(self, restart: bool = False) -> None:
        """Let go of the kernel; the server removes its files."""
        if self.process is not None:
            self.process.kill()
            self.process = None


class PromptClient(AsyncKernelClient):
    """A client of a kernel whose sockets are bound, so nobody needs to wait whether more comes."""

    async def _async_wait_for_ready(self, timeout: float | None = None) -> None:
        try:
            await asyncio.wait_for(self._answered(), _PROMPT)
        except (TimeoutError, Empty):
            await super()._async_wait_for_ready(timeout)

    wait_for_ready = _async_wait_for_ready

    async def _answered(self) -> None:
        """The subscription is welcomed, then one question is answered and done with."""
        while (await self.get_iopub_msg(timeout=_PROMPT))["msg_type"] != "iopub_welcome":
            pass
        asked = self.kernel_info()
        reply = await self._async_recv_reply(asked, timeout=_PROMPT)
        self._handle_kernel_info_reply(reply)
        while not _is_idle(await self.get_iopub_msg(timeout=_PROMPT), asked):
            pass


def _is_idle(message: dict[str, Any], asked: str) -> bool:
    done = message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"
    return bool(done and message["parent_header"].get("msg_id") == asked)


class _ForkSpecs(KernelSpecManager):
    """The kernel of the interpreter that runs this: not of another that goes by the same name."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        spec = super().get_kernel_spec(kernel_name)
        spec.metadata = {**spec.metadata, "kernel_provisioner": {"provisioner_name": PROVISIONER}}
        return spec


def manager() -> AsyncKernelManager:
    """A manager of one forked kernel, for ``papermill.execute_notebook(…, km=manager())``."""
    return AsyncKernelManager(
        kernel_name="python3",
        kernel_spec_manager=_ForkSpecs(kernel_dirs=[]),
        client_factory=PromptClient,
    )
