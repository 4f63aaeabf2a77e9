"""The API's table of contents: each router, on one screen."""

from fastapi import APIRouter

from lectern.accounts.endpoints import router as accounts
from lectern.admin.endpoints import router as admin
from lectern.admin.report import router as report
from lectern.ai_sdk.endpoints import router as ai_sdk
from lectern.ai_sdk.problems import AI_SDK
from lectern.chat.endpoints import router as chat
from lectern.chat.feedback import router as feedback
from lectern.chat.turn_endpoints import router as turns
from lectern.conversations.endpoints import router as conversations
from lectern.integrations.endpoints import router as integrations
from lectern.mcp.endpoints import router as mcp
from lectern.openai_api.endpoints import router as openai
from lectern.openai_api.problems import OPENAI
from lectern.ops.health import router as health
from lectern.pages.endpoints import router as pages
from lectern.study.endpoints import router as study
from lectern.tasks.assistant_endpoints import router as assistant
from lectern.tasks.endpoints import router as tasks
from lectern.web.problems import PROBLEM, Shapes
from lectern.widget.endpoints import router as widget

GUARDED = ("/admin", "/api", "/chat", "/ingest", "/search", "/v1")
"""Paths that only pages of allowed sites may ask, by whatever method; what changes something is guarded anyway."""

_ASKED = ("/chat", "/api/chat", "/search", "/mcp")
_OPENAI = ("/v1/chat/completions", "/v1/responses")
_ADAPTED = ("/adjust-content", "/adjust-content/batch", "/personalize", "/translate", "/translate/batch")
_ASSISTED = ("/api/{user_id}/chat", "/api/conversation/clarify")
_FOLLOWED = ("/chat/turns/{turn_id}/stream", "/api/chat/{chat_id}/stream")
METERED = frozenset(
    (method, path)
    for method, paths in (("POST", (*_ASKED, *_OPENAI, *_ADAPTED, *_ASSISTED)), ("GET", _FOLLOWED))
    for path in paths
)
"""What costs a worker so much that too many of them at once are refused at the door; all else always passes."""

OPERATED = ("/admin", "/health/report", "/ingest")
"""Paths, with all below them, that are the operator's: 401 without `ADMIN_TOKEN`, 404 where there is none."""

SHAPES: Shapes = {
    "/v1": OPENAI,
    **dict.fromkeys(("/api/chat/history", "/api/chat/sessions"), PROBLEM),
    "/api/chat": AI_SDK,
}
"""Paths, with all below them, whose errors are told as another protocol wants them; the first that fits counts."""

# In the order of their load: a request is held against each route before its own.
ROUTERS: tuple[APIRouter, ...] = (
    chat,  #   POST /chat, /search; DELETE /chat/sessions/{id}
    health,  # GET /health, /health/ready
    turns,  # GET /chat/turns/{id}/stream; DELETE /chat/turns/{id}
    feedback,  # POST /chat/turns/{id}/feedback
    openai,  # POST /v1/chat/completions, /v1/responses; GET /v1/models, /v1/models/{model}
    study,  # POST /translate, /adjust-content, both with /batch; POST /personalize
    accounts,  # /api/auth/…              sign up, in and out; profile, export, leaving
    widget,  # GET /                       the chat page, or the service's name card
    conversations,  # /api/chat/sessions…, DELETE /api/chat/history: a signed-in reader's kept conversations
    ai_sdk,  # POST /api/chat; GET, DELETE /api/chat/{id}/stream; below the conversations, whose addresses are alike
    assistant,  # POST /api/{user_id}/chat, /api/conversation/clarify
    tasks,  # /api/{user_id}/tasks…        a signed-in reader's own tasks; below what else begins with /api
    report,  # GET /health/report           what ./entrypoint.sh check finds; for the operator
    admin,  # POST, GET /ingest; GET /admin/usage, /unanswered, /feedback; GET, DELETE /admin/people/{id}
    integrations,  # POST, GET /admin/keys; DELETE /admin/keys/{id}
    pages,  # GET /pages/{site}/…          the indexed pages, for sites that are not published
)

MCP: APIRouter = mcp
"""`POST /mcp`: other people's agents; last of all, and only where the extra is installed and not switched off."""
