"""Shutdown of the server while uploads are in progress."""

import asyncio
import sys
from types import FrameType

import uvicorn
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Server(uvicorn.Server):
    """Server that ends requests in progress at once, and says so in one line on stderr.

    Uvicorn alone waits for them first, and then tells of each with a traceback. `until_ended` makes
    an answer of the cancellation.
    """

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self.should_exit:  # a second Ctrl-C would leave before uploads are deleted
            super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list | None = None) -> None:
        if tasks := list(self.server_state.tasks):
            what = "a request" if len(tasks) == 1 else f"{len(tasks)} requests"
            print(f"ended with {what} under way; nothing of it is kept", file=sys.stderr)
        for task in tasks:
            task.cancel()
        await super().shutdown(sockets)


def until_ended(app: ASGIApp) -> ASGIApp:
    """Wraps the app; a request cut off by the server's end is answered 503, {"error"}."""

    async def until_ended(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await app(scope, receive, send)
        is_answered = False

        async def watched_send(message: Message) -> None:
            nonlocal is_answered
            is_answered = True
            await send(message)

        try:
            await app(scope, receive, watched_send)
        except asyncio.CancelledError:
            if not is_answered:
                answer = JSONResponse(
                    {"error": "the page's program has ended"}, 503, {"Connection": "close"}
                )
                await answer(scope, receive, send)

    return until_ended
