"""An echo bot of the Microsoft 365 Agents SDK, which speaks the protocol of Bot Framework."""

from __future__ import annotations

import sys

from aiohttp import web
from microsoft_agents.hosting.aiohttp import CloudAdapter, start_agent_process
from microsoft_agents.hosting.core import (
    AgentApplication,
    AgentAuthConfiguration,
    AnonymousTokenProvider,
    ApplicationOptions,
    ConnectionManager,
    MemoryStorage,
    TurnContext,
    TurnState,
)

manager = ConnectionManager(
    lambda _: AnonymousTokenProvider(), {"SERVICE_CONNECTION": AgentAuthConfiguration(anonymous_allowed=True)}
)
adapter = CloudAdapter(connection_manager=manager)
agent = AgentApplication[TurnState](
    ApplicationOptions(storage=MemoryStorage(), adapter=adapter), connection_manager=manager
)


@agent.conversation_update("membersAdded")
async def joined(context: TurnContext, _: TurnState) -> None:
    """Greet."""
    await context.send_activity("Welcome.")


@agent.activity("message")
async def said(context: TurnContext, _: TurnState) -> None:
    """Say it again."""
    await context.send_activity(f"You said {context.activity.text}")


async def messages(request: web.Request) -> web.StreamResponse:
    """The endpoint of the bot."""
    return await start_agent_process(request, agent, adapter) or web.Response()


app = web.Application()
app.router.add_post("/api/messages", messages)

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]))
