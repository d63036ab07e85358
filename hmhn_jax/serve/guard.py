"""Access to the page: only from its own origin, under a name of this machine.

A page on the internet can make a browser send requests to this machine (request forgery), and can
point a name of its own at it (DNS rebinding). The browser tells both in its headers.
"""

import ipaddress
import socket
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",  # what it says of a face stays in no cache
}


def guarded(app: ASGIApp, host: str) -> ASGIApp:
    """Wraps the app: other origins are refused, and all answers have `HEADERS`.

    Args:
      app: what answers.
      host: the address or name that the server is bound to.
    """

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await app(scope, receive, send)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        reason = refusal(Headers(scope=scope), host)
        answer = JSONResponse({"error": reason}, 403) if reason else app
        await answer(scope, receive, send_with_headers)

    return guard


def refusal(headers: Headers, bound_to: str) -> str | None:
    """Returns why a request is refused; None if it is answered."""
    host = headers.get("host", "")
    if not is_own_name(_hostname(host), bound_to):
        return f"expected a request to this machine, got one to {host!r}"
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2] != host:
        return f"expected a request from this page, got one from {origin!r}"
    return None


def is_own_name(name: str, bound_to: str) -> bool:
    """Returns whether a request's host is this machine's own, not a name given to it by others.

    An address is: rebinding takes a name. On a loopback address only loopback ones are.
    """
    if name in ("localhost", bound_to.lower()):
        return True
    if is_loopback(bound_to):
        return is_loopback(name)
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name in (socket.gethostname().lower(), socket.getfqdn().lower())
    return True


def is_loopback(host: str) -> bool:
    """Returns whether an address or name can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _hostname(host):
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
