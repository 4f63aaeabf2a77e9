"""The API's table of contents: each router, on one screen."""

from fastapi import APIRouter

from lectern.accounts.endpoints import router as accounts
from lectern.admin.report import router as report
from lectern.chat.endpoints import router as chat
from lectern.ops.health import router as health
from lectern.pages.endpoints import router as pages
from lectern.widget.endpoints import router as widget

GUARDED = ("/api", "/chat", "/search")
"""Paths that only pages of allowed sites may ask, by whatever method; what changes something is guarded anyway."""

METERED = frozenset({("POST", "/chat"), ("POST", "/search")})
"""What costs a worker so much that too many of them at once are refused at the door; all else always passes."""

# In the order of their load: a request is held against each route before its own.
ROUTERS: tuple[APIRouter, ...] = (
    chat,  #   POST /chat, /search; DELETE /chat/sessions/{id}
    health,  # GET /health, /health/ready
    accounts,  # /api/auth/…              sign up, in and out; profile, export, leaving
    widget,  # GET /                       the chat page, or the service's name card
    report,  # GET /health/report           what ./entrypoint.sh check finds; for the operator
    pages,  # GET /pages/{site}/…          the indexed pages, for sites that are not published
)
