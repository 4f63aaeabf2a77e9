"""How the server runs. Values come from the settings, decisions from lectern.serving.

`python gunicorn.conf.py` is `gunicorn -c gunicorn.conf.py`, but checks the settings first: gunicorn reads
WEB_CONCURRENCY before this file, and a wrong one ends it with a traceback. Both take gunicorn's arguments.
Serves any ASGI app: APP_MODULE=package.module:app, or the app as gunicorn's argument, which wins.
"""

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import NoReturn

sys.path.insert(0, str(Path(__file__).parent / "src"))

from gunicorn.errors import AppImportError

from lectern.config import ConfigError, ServerSettings, Settings
from lectern.ops.logs import choose_format, dict_config
from lectern.serving import descriptors, hooks, process
from lectern.serving.limits import read_limits
from lectern.serving.plan import plan

_own_hook = sys.excepthook
_OWN_APPS = {ServerSettings.model_fields["app_module"].default, "main:app"}


def _stop(message: object) -> NoReturn:
    sys.stderr.write(f"{message}\n")
    sys.exit(os.EX_CONFIG)


def _load() -> ServerSettings:
    """The settings; if the app is Lectern, what it needs is looked at too, before anything slow, and told at once."""
    argument = _named_app()
    try:
        settings = ServerSettings.load()
    except ConfigError:
        if (argument or os.environ.get("APP_MODULE", "main:app")) in _OWN_APPS:
            Settings.load_for_serving()
        raise
    if (argument or settings.app_module) in _OWN_APPS:
        Settings.load_for_serving()
    return settings


def _named_app() -> str | None:
    """The app that gunicorn's arguments name; it wins over APP_MODULE."""
    held = os.environ.pop("WEB_CONCURRENCY", None)  # gunicorn reads it when imported, and only takes a bare number
    from gunicorn.config import Config  # noqa: PLC0415 - as said above

    if held is not None:
        os.environ["WEB_CONCURRENCY"] = held
    arguments, _ = Config().parser().parse_known_args()
    return next(iter(arguments.args), None)


def _load_or_keep() -> ServerSettings:
    """The settings, or on a reload that finds wrong ones those that the server runs with."""
    try:
        return _load()
    except ConfigError as error:
        running = process.setup()
        if running is None or not isinstance(running.settings, ServerSettings):
            _stop(error)
        sys.stderr.write(f"{error}\nThe server goes on with the settings it has.\n")
        return running.settings


def _on_error(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The app is loaded in the master: what it says about its settings is a message, not a traceback."""
    if isinstance(error, ConfigError):
        _stop(error)
    if isinstance(error, AppImportError) or (isinstance(error, ModuleNotFoundError) and _names_app(error.name or "")):
        _stop(f"APP_MODULE held {_settings.app_module!r}; it wants an app as package.module:app ({error}).")
    _own_hook(kind, error, trace)


def _names_app(module: str) -> bool:
    return f"{_settings.app_module.partition(':')[0]}.".startswith(f"{module}.")


_settings = _load_or_keep()
sys.excepthook = _on_error
for _name, _value in hooks.NO_THREADS.items():
    os.environ.setdefault(_name, _value)

descriptors.make_room()
_plan = plan(read_limits(), _settings.web_concurrency, _settings.database_connections)
process.describe(
    process.Setup(
        plan=_plan,
        address=f"http://0.0.0.0:{_settings.port}",
        grace_seconds=_settings.graceful_timeout_seconds,
        header_seconds=_settings.header_timeout_seconds,
        https_hosts=_settings.space_host,
        settings=_settings,
    )
)

wsgi_app = _settings.app_module
bind = f"0.0.0.0:{_settings.port}"
workers = _plan.workers
worker_class = "lectern.serving.worker.DrainingWorker"
preload_app = False  # hooks.when_ready loads the app before the fork too, but with the port open
timeout = _settings.worker_timeout_seconds
graceful_timeout = _settings.graceful_timeout_seconds
keepalive = _settings.keep_alive_seconds
max_requests = _settings.max_requests
max_requests_jitter = _settings.max_requests // 10
forwarded_allow_ips = _settings.forwarded_allow_ips
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK | os.X_OK) else None  # noqa: S108 - memory, not a disk
control_socket_disable = True  # it would be a thread in the master
loglevel = _settings.log_level
logconfig_dict = dict_config(_settings.log_level, choose_format(_settings.log_format))
when_ready, pre_fork, post_fork, child_exit = hooks.when_ready, hooks.pre_fork, hooks.post_fork, hooks.child_exit

if __name__ == "__main__":
    os.environ.pop("WEB_CONCURRENCY", None)  # gunicorn wants a bare number, where the settings take an empty one
    if _settings.web_concurrency is not None:
        os.environ["WEB_CONCURRENCY"] = str(_settings.web_concurrency)
    from gunicorn.app.wsgiapp import run

    sys.argv[1:1] = ["-c", __file__]
    run()
