"""Lectern's app with a defect that takes all of the settings into its error."""

from fastapi import Request

from lectern.app import create_app

app = create_app()


@app.get("/defect")
async def defect(request: Request) -> None:
    """Fail with everything that is known."""
    settings = request.app.state.settings
    raise RuntimeError(f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()} {vars(settings)}")
