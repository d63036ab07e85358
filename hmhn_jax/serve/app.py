"""HTTP application: the page and its requests."""

import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from jinja2 import Environment
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from hmhn_jax.base.errors import one_line
from hmhn_jax.base.formats import PICTURE_SUFFIXES, SUFFIXES, is_picture
from hmhn_jax.faces.media.probe import probe
from hmhn_jax.faces.media.video import VideoError
from hmhn_jax.serve import results
from hmhn_jax.serve.ending import until_ended
from hmhn_jax.serve.guard import guarded
from hmhn_jax.serve.jobs import Job, Jobs, Work
from hmhn_jax.serve.limits import Limits
from hmhn_jax.serve.uploads import RefusedError, drain, receive, too_large


def make_app(work: Work, about: dict, limits: Limits, host: str) -> ASGIApp:
    """Makes the application that serves the page, its script and style, and:

    POST /jobs?name=NAME with a file as body: 202 {"id"}; or {"error"} with 400 (empty), 408 (too
      slow), 413 (too large), 415 (no video or picture), 422 (too long), 503 (busy, or the server
      ends while it comes in), 507 (no room).
      Of NAME only a known ending is used; the rest is shown.
    GET /jobs/ID: {"name", "state", "progress", "position", "result", "error"}, see `Job`, and
      "summary", a line.
    GET /jobs/ID/result: what came out, as a part of an HTML page.
    GET /jobs/ID/pictures/N: a PNG.
    GET /results.csv?id=ID&id=ID, /results.html?id=ID: files to be saved, of jobs that are over.
    DELETE /jobs/ID: forgets it, and ends its work.

    Args:
      work: what is done with an upload.
      about: for the page, of the network.
      limits: on uploads.
      host: the address or name that the server is bound to.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        with tempfile.TemporaryDirectory(prefix="hmhn-", ignore_cleanup_errors=True) as folder:
            app.state.jobs = Jobs(Path(folder), work, limits)
            try:
                yield
            finally:
                await run_in_threadpool(app.state.jobs.close)

    environment = results.make_environment(about)

    async def create(request: Request) -> Response:
        try:
            job = await _upload(request, limits)
        except RefusedError as error:
            await drain(request, limits)
            headers = {"Retry-After": "10"} if error.status == 503 else {}
            return JSONResponse({"error": error.reason}, error.status, headers)
        except ClientDisconnect:
            return Response(status_code=400)  # the client has gone
        return JSONResponse({"id": job.id}, 202)

    async def show(request: Request) -> Response:
        job = _job(request)
        return JSONResponse(
            {
                "name": job.name,
                "state": job.state,
                "progress": job.progress,
                "position": request.app.state.jobs.position(job),
                "result": job.outcome.values if job.outcome else None,
                "error": job.error,
                "summary": results.summary(job),
            }
        )

    async def result(request: Request) -> Response:
        job = _job(request)
        if not job.is_over:
            raise HTTPException(404, "not there yet")
        return HTMLResponse(results.fragment(environment, job))

    async def save(request: Request) -> Response:
        known = map(request.app.state.jobs.get, request.query_params.getlist("id"))
        jobs = [job for job in known if job and job.is_over]
        if not jobs:
            raise HTTPException(404, "no such results; they are kept until the page's program ends")
        kind = request.url.path.rpartition(".")[2]
        if kind == "csv":
            content = results.table(jobs, about["scale"], about["network"])
        else:
            content = results.document(environment, jobs)
        headers = {"Content-Disposition": f'attachment; filename="results.{kind}"'}
        return Response(content, media_type=f"text/{kind}", headers=headers)

    async def picture(request: Request) -> Response:
        outcome = _job(request).outcome
        # Looked up as text: a number of thousands of digits is none to Python.
        pictures = enumerate(outcome.pictures if outcome else ())
        picture = {str(n): each for n, each in pictures}.get(request.path_params["number"])
        if picture is None:
            raise HTTPException(404, "no such picture")
        return Response(picture, media_type="image/png")

    async def discard(request: Request) -> Response:
        request.app.state.jobs.discard(_job(request))
        return Response(status_code=204)

    async def error(_: Request, raised: HTTPException) -> Response:
        return JSONResponse({"error": raised.detail}, raised.status_code)

    app = Starlette(
        routes=[
            *_page(environment, limits),
            Route("/jobs", create, methods=["POST"]),
            Route("/jobs/{id}", show, methods=["GET"]),
            Route("/jobs/{id}", discard, methods=["DELETE"]),
            Route("/jobs/{id}/result", result),
            Route("/jobs/{id}/pictures/{number}", picture),
            Route("/results.csv", save),
            Route("/results.html", save),
        ],
        exception_handlers={HTTPException: error},  # type: ignore[dict-item]  # typed for Exception
        lifespan=lifespan,
    )
    return guarded(until_ended(app), host)


async def _upload(request: Request, limits: Limits) -> Job:
    name = request.query_params.get("name", "")
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise RefusedError(
            415, f"expected a video or a picture ({' '.join(SUFFIXES)}), got {suffix or 'no'!r}"
        )
    jobs = request.app.state.jobs
    job = jobs.open(one_line(name, 200))
    if job is None:
        raise RefusedError(503, "busy with other files; try again later")
    try:
        path = job.folder / f"upload{suffix}"
        is_small = suffix in PICTURE_SUFFIXES  # by its name, as nothing of it is here yet
        max_bytes = limits.max_picture_bytes if is_small else limits.max_bytes
        await receive(request, path, max_bytes, limits.stall_s)
        await run_in_threadpool(_check, path, limits)
    except BaseException:
        jobs.discard(job)
        raise
    jobs.submit(job, path)
    return job


def _check(path: Path, limits: Limits) -> None:
    try:
        if is_picture(path) and path.stat().st_size > limits.max_picture_bytes:
            raise too_large(limits.max_picture_bytes)
        duration = probe(path).duration_s
    except VideoError as error:
        raise RefusedError(415, error.reason) from error
    if duration is not None and duration > limits.max_duration_s:
        minutes = limits.max_duration_s / 60
        raise RefusedError(
            422, f"expected at most {minutes:g} minutes of video, got {duration / 60:.1f}"
        )


def _job(request: Request) -> Job:
    job = request.app.state.jobs.get(request.path_params["id"])
    if job is None:
        raise HTTPException(404, "no such job; its result was deleted, or the program has ended")
    return job


def _page(environment: Environment, limits: Limits) -> list[Route]:
    """Gives the routes of the page and its files, read once."""

    def route(path: str, content: str, media_type: str) -> Route:
        return Route(path, lambda _: Response(content, media_type=media_type))

    html = environment.get_template("page.html").render(limits=limits, suffixes=SUFFIXES)
    script, style = (
        results.FOLDER.joinpath(f"page.{ending}").read_text(encoding="utf-8")
        for ending in ("js", "css")
    )
    return [
        route("/", html, "text/html"),
        route("/page.js", script, "text/javascript"),
        route("/page.css", style, "text/css"),
        Route("/favicon.ico", lambda _: Response(status_code=204)),  # browsers ask for it
    ]
