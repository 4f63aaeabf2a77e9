"""The proxy that breaks things does break them, and nothing else."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from tests.faults.proxy import Proxy, Toxics
from tests.serving.servers import until

LINE = b"0123456789" * 10


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that sends back what it is sent."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with closing(connection):
            try:
                while data := connection.recv(65_536):
                    connection.sendall(data)
            except OSError:
                pass

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(10)


@pytest.fixture
def proxy(echo: int) -> Iterator[Proxy]:
    """A proxy before the echo."""
    with Proxy(echo) as proxy:
        yield proxy


def connect(proxy: Proxy) -> "closing[socket.socket]":
    """A connection to the proxy."""
    return closing(socket.create_connection(("127.0.0.1", proxy.port), timeout=10))


def receive(connection: socket.socket, size: int) -> bytes:
    """Up to `size` bytes, fewer when the connection ends."""
    got = b""
    while len(got) < size and (data := connection.recv(size - len(got))):
        got += data
    return got


def say_and_receive(proxy: Proxy, size: int) -> None:
    """Say one byte on a new connection, and wait for more."""
    with connect(proxy) as connection:
        connection.sendall(b"x")
        receive(connection, size)


def test_a_well_proxy_passes_everything_on_and_counts(proxy: Proxy) -> None:
    """Bytes come back unchanged; connections are counted while open and in all."""
    big = LINE * 50_000
    with connect(proxy) as one, connect(proxy) as two:
        two.sendall(LINE)
        assert receive(two, len(LINE)) == LINE
        sender = threading.Thread(target=one.sendall, args=(big,))
        sender.start()
        assert receive(one, len(big)) == big
        sender.join(10)
        assert (proxy.open, proxy.total) == (2, 2)
    until(lambda: proxy.open == 0)
    assert proxy.total == 2


@pytest.mark.parametrize(
    ("toxics", "seconds"),
    [
        (Toxics(latency=0.2, jitter=0.1), 0.2),
        (Toxics(bandwidth=500), 0.2),
        (Toxics(slicer=10, slicer_delay=0.02), 0.2),
    ],
)
def test_what_is_slow_arrives_whole(proxy: Proxy, toxics: Toxics, seconds: float) -> None:
    """Latency, bandwidth and slicer take their time and lose nothing, on a connection that was open before."""
    with connect(proxy) as connection:
        connection.sendall(b"x")
        assert receive(connection, 1) == b"x"
        proxy.set(toxics)
        started = time.monotonic()
        connection.sendall(LINE)
        assert receive(connection, len(LINE)) == LINE
        assert time.monotonic() - started >= seconds


def test_a_limit_cuts_at_the_byte(proxy: Proxy) -> None:
    """After N bytes comes a FIN, a RST or nothing."""
    for limit in (1, 37, 100):
        proxy.set(Toxics(limit=limit, ending="fin"))
        with connect(proxy) as connection:
            connection.sendall(LINE)
            assert receive(connection, 1000) == LINE[:limit]
        proxy.set(Toxics(limit=limit, ending="rst"))
        with connect(proxy) as connection:
            connection.sendall(LINE)
            assert receive(connection, limit) == LINE[:limit]
            with pytest.raises(ConnectionResetError):
                receive(connection, 1)
        proxy.set(Toxics(limit=limit, ending="hang"))
        with connect(proxy) as connection:
            connection.sendall(LINE)
            assert receive(connection, limit) == LINE[:limit]
            connection.settimeout(0.1)
            with pytest.raises(TimeoutError):
                connection.recv(1)


def test_what_hangs_can_be_left(proxy: Proxy) -> None:
    """Nothing comes back, and a client that leaves takes its connection with it."""
    proxy.set(Toxics(hang=True))
    with connect(proxy) as connection:
        connection.sendall(LINE)
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        assert proxy.open == 1
    until(lambda: proxy.open == 0)


def test_down_refuses_and_comes_back_on_the_same_port(proxy: Proxy) -> None:
    """Connections are refused while it is down; open ones go on until they are reset."""
    with connect(proxy) as connection:
        connection.sendall(b"x")
        assert receive(connection, 1) == b"x"
        proxy.set(Toxics(down=True))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", proxy.port), timeout=10)
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    proxy.set()
    with connect(proxy) as connection:
        connection.sendall(b"x")
        assert receive(connection, 1) == b"x"


def test_each_operation_can_fail(proxy: Proxy) -> None:
    """The N-th I/O resets its connection, once or from then on; the fourth of an echo never comes."""
    for number in (1, 2, 3):
        proxy.set(Toxics(fail_at=number))
        with pytest.raises(ConnectionResetError):
            say_and_receive(proxy, 2)
    with connect(proxy) as connection:
        connection.sendall(b"x")
        assert receive(connection, 1) == b"x"
    proxy.set(Toxics(fail_at=4))
    with connect(proxy) as connection:
        connection.sendall(b"x")
        assert receive(connection, 1) == b"x"
        assert proxy.operations == 3
    proxy.set(Toxics(fail_at=1, fail_on=True))
    for _ in range(3):
        with pytest.raises(ConnectionResetError), connect(proxy) as connection:
            receive(connection, 1)


def test_a_slow_close_comes_late() -> None:
    """The server's FIN is held back."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener, Proxy(listener.getsockname()[1]) as short:
        short.set(Toxics(slow_close=0.3))
        with connect(short) as connection:
            accepted, _ = listener.accept()
            started = time.monotonic()
            accepted.close()
            assert connection.recv(1) == b""
            assert time.monotonic() - started >= 0.3
