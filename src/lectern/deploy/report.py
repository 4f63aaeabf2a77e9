"""A deployment as people see it: the plan, its steps, and where the Space is."""

from rich.console import Console
from rich.markup import escape

from lectern.deploy.plan import Plan, Space, Wanted
from lectern.deploy.verify import Answer

_SHOWN = 20
"""Files named one by one; more are counted."""


class Teller:
    """Prints lines: marked steps, and quieter ones for what the Space's build says."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def step(self, text: str) -> None:
        """One step, done or begun."""
        self._console.print(escape(text), soft_wrap=True)

    def warn(self, text: str) -> None:
        """Something to look at, which stops nothing."""
        self._console.print(f"[yellow]Note:[/] {escape(text)}.", soft_wrap=True)

    def log(self, line: str) -> None:
        """One line of the Space's build."""
        self._console.print(f"[dim]  | {escape(line)}[/]", soft_wrap=True)

    def plan(self, plan: Plan, wanted: Wanted, space: Space | None) -> None:
        """What will change; variables and secrets by name only."""
        visible = "private" if (space.private if space else wanted.private) else "public"
        self.step(f"{wanted.space_id}: " + (f"a new {visible} Docker Space" if plan.creates else f"exists, {visible}"))
        size = sum(len(file.data) for file in plan.uploads)
        self.step(f"  files      {len(plan.uploads)} to push ({size / 1e6:.2f} MB), {plan.unchanged} unchanged")
        for path in [file.path for file in plan.uploads][:_SHOWN] if not plan.creates else ():
            self.step(f"             + {path}")
        for path in plan.deletes[:_SHOWN]:
            self.step(f"             - {path}")
        if len(plan.deletes) > _SHOWN:
            self.step(f"             - and {len(plan.deletes) - _SHOWN} more")
        self.step(f"  variables  {_names(plan.variables)}")
        self.step(f"  secrets    {_names(plan.secrets)}")

    def done(self, wanted: Wanted, space: Space, endpoint: str, answer: Answer) -> None:
        """What was verified, and what to put where."""
        first = " ".join(answer.message.split())
        self.step(f"Healthy: {answer.status}, Lectern {answer.version}.")
        self.step(f"Answered, with {answer.sources} sources: {first[:160]}{'…' if len(first) > 160 else ''}")  # noqa: PLR2004
        if not answer.sources:
            self.warn("that answer names no page; does the question fit the site? --question TEXT asks another")
        host = space.host.rstrip("/")
        self.step(
            f"\nYour Space   {host}\n"
            f"Settings     {endpoint}/spaces/{wanted.space_id}/settings\n"
            f"API base     {host}   (POST {host}/chat)\n\n"
            "On any page, before </body>:\n"
            f'  <script src="{host}/widget.js" defer></script>\n'
            "In docusaurus.config.js:\n"
            f"  scripts: [{{ src: '{host}/widget.js', defer: true }}],"
        )
        if space.private:
            self.warn("a private Space answers only callers that send the Hub's token, so no reader's browser")


def _names(names: object) -> str:
    listed = sorted(map(str, names)) if isinstance(names, dict | tuple) else []
    return f"set {', '.join(listed)}" if listed else "nothing to set"
