"""`GET /pages/{site}/…`: the indexed pages themselves, for sites that are not published anywhere else."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse

from lectern.errors import NotFound
from lectern.pages.rendering import STYLE, render
from lectern.ports import encode_route
from lectern.web.deps import PortsDep
from lectern.web.policy import content_policy

router = APIRouter(tags=["pages"])

Site = Annotated[str, Path(examples=["lectern"])]
Route = Annotated[str, Path(description="The page's route with its leading slash, or nothing", examples=["/"])]


@router.get("/pages/{site}{route:path}", response_class=HTMLResponse)
async def page(site: Site, route: Route, ports: PortsDep) -> HTMLResponse:
    """Show an indexed page with the anchors that answers link to."""
    document = await ports.index.document(site, encode_route(route) or "/")
    if document is None:
        raise NotFound("This page is not in the index.")
    return HTMLResponse(render(document, site), headers={"Content-Security-Policy": content_policy(styles=[STYLE])})
