"""A real nginx for tests, in a folder of its own. Loopback only; root's runs as `nobody`."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.database_servers import free_port, unprivileged
from tests.serving.servers import until

NO_NGINX = "nginx is not installed (Debian and Ubuntu: apt-get install nginx, or tests/install-parts.sh as root)"


@contextmanager
def running_nginx(template: Path, **values: object) -> Iterator[int]:
    """An nginx with this configuration, gone with the block; its port.

    The test is skipped where there is none to start, and fails so in CI.

    Args:
        template: Names its folder @FOLDER@, and the port of 127.0.0.1 to listen on @PORT@.
        values: What else stands in it, as @NAME@.
    """
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail(NO_NGINX)
        pytest.skip(NO_NGINX)
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="lectern-nginx-") as name:
        folder = Path(name)
        if who := unprivileged():
            os.chown(folder, who["user"], who["group"])
        config = folder / "nginx.conf"
        text = template.read_text(encoding="utf-8")
        for key, value in ({"FOLDER": folder, "PORT": port} | values).items():
            text = text.replace(f"@{key}@", str(value))
        config.write_text(text, encoding="utf-8")
        config.chmod(0o644)
        log = folder / "error.log"
        command = [program, "-p", name, "-c", str(config), "-e", str(log)]
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, **unprivileged())

        def answers() -> bool:
            assert process.poll() is None, log.read_text() if log.exists() else "nginx did not start"
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=5).close()
                return True
            return False

        try:
            until(answers)
            yield port
        finally:
            process.terminate()  # the quick end: it takes its worker with it
            process.wait(10)
