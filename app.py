"""The web page: draw, read, typeset, write and look inside, in a browser.

python app.py                          then open http://127.0.0.1:5000
flask run                              the same, for whoever works on it
"""

import gzip
import hashlib
import http
import ipaddress
import json
import logging
import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import tyro
from flask import Flask, Response, g, render_template, request, send_file
from werkzeug.exceptions import HTTPException

from handwriting import USUAL_SEED
from shell import UserError, parse, run_script
from web_api import Asked, in_a_sentence
from web_fields import SHOWN, Refusal, from_address, parse_json, taken
from web_guard import HEADERS, AnswerCache, Buckets, Deadline, Limits
from web_models import Shelf
from web_openapi import openapi
from web_routes import ROUTES, Route

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
PORT = re.compile(r":[0-9]+\Z")
ZIPPED = ("application/json", "text/html")
GZIP_LEVEL, GZIP_FROM = 1, 1024  # of zlib, 0 to 9; bytes of an answer
NOT_FOUND = "there is nothing at this address"
MEANINGS = {404: NOT_FOUND, 405: "this address does not take that method"}

log = logging.getLogger("scriptorium")


@dataclass(frozen=True)
class Arguments:
    """Serves the web page."""

    host: str = "127.0.0.1"
    """Address to listen on: 127.0.0.1 is for this machine alone; 0.0.0.0 lets everybody in who reaches it."""
    port: int = 5000
    """Port to listen on, 0 to 65535; 0: any that is free."""
    models_dir: Path | None = None
    """Folder of the trained models; unset: modelh5 in the working folder, then the one beside this script."""
    data_dir: Path | None = None
    """Where the data sets are; unset: the environment variable SCRIPTORIUM_DATA, or else data/."""

    def __post_init__(self):
        if not 0 <= self.port <= 65535:
            raise ValueError(f"`port` must lie in [0, 65535]. Received: port={self.port}")


def create_app(
    models_dir: Path | None = None,
    images_dir: Path | None = None,
    data_dir: Path | None = None,
    limits: Limits | None = None,
    trusted_hosts: Collection[str] | None = LOOPBACK_NAMES,
) -> Flask:
    """The application, as Flask runs it and waitress serves it.

    Args:
        images_dir: Where the pictures of training and evaluation lie; by default `images` beside this script.
        limits: How much a client may ask for.
        trusted_hosts: Names that a browser may have reached it by; None: any. Else a page from elsewhere could have
            its own name point here, and read what is answered.
    """
    app = Flask(__name__)
    limits = limits or Limits()
    app.config["MAX_CONTENT_LENGTH"] = limits.body
    app.url_map.strict_slashes = app.url_map.merge_slashes = False
    shelf, cache = Shelf(models_dir, images_dir, data_dir), AnswerCache()
    buckets = Buckets(limits.rate, limits.burst)

    @app.before_request
    def admit() -> None:
        g.deadline = Deadline(limits.seconds)
        buckets.take(request.remote_addr or "")
        check_host(trusted_hosts)

    for route in ROUTES:
        view = partial(answer_route, route, shelf, limits, cache)
        app.add_url_rule(f"/api/{route.name}", route.name, view, methods=list(route.methods))
    add_plain_routes(app, shelf)
    app.after_request(finished)
    app.register_error_handler(UserError, refused)
    app.register_error_handler(HTTPException, partial(refused_by_flask, limits))
    app.register_error_handler(Exception, failed)
    return app


def add_plain_routes(app: Flask, shelf: Shelf) -> None:
    """What no model answers: the page, pictures, and what is told of models and of the API itself."""

    @app.get("/")
    def page() -> Response:
        text = render_template("index.html", version=version(), first_hand=USUAL_SEED)
        return unchanged_or(Response(text, mimetype="text/html"))

    @app.get("/models/<name>/<file>")
    def picture(name: str, file: str) -> Response:
        path = shelf.pictures(name).get(file)
        if path is None:
            raise Refusal(404, NOT_FOUND)
        return send_file(path, conditional=True, max_age=0)

    @app.get("/api/models")
    def models() -> Response:
        return unchanged_or(as_json({"models": shelf.models(), "sources": shelf.sources()}))

    @app.get("/api/health")
    def health() -> Response:
        return as_json({"status": "ok", "version": version(), "models": list(shelf.found())})

    @app.get("/api/openapi.json")
    def description() -> Response:
        return unchanged_or(as_json(openapi(version())))


def check_host(trusted_hosts: Collection[str] | None) -> None:
    """Refuses a request by another name than these; Flask's own check of names knows none of IPv6."""
    name = PORT.sub("", request.host)
    if trusted_hosts is not None and name not in trusted_hosts:
        raise Refusal(400, f"host: expected one of {', '.join(trusted_hosts)}, received {name[:SHOWN]!r}; open the "
                           f"address that the server printed")  # fmt: skip


@cache
def version() -> str:
    """Of this project."""
    with Path(__file__).with_name("pyproject.toml").open("rb") as file:
        return tomllib.load(file)["project"]["version"]


@cache
def build() -> tuple[str, int]:
    """What changes whenever the code does, also between releases: else browsers would go on showing what it made."""
    return version(), max(file.stat().st_mtime_ns for file in Path(__file__).parent.glob("*.py"))


# ------------------------------------------------------------------------------------------------------------- answers


def answer_route(route: Route, shelf: Shelf, limits: Limits, answers: AnswerCache) -> Response:
    """Answers a request of a route; one by address that names its seed is answered from memory where it can be."""
    values = taken(route.fields, received(route))
    repeats = request.method != "POST" and values["seed"] is not None
    tag = fingerprint(build(), shelf.stamp(), route.name, values) if repeats else None
    if tag and request.if_none_match.contains_weak(tag):
        response = Response(status=304)
    else:
        body = (answers.get(tag) if tag else None) or answered(route, Asked(values, shelf, limits, g.deadline))
        if tag:
            answers.put(tag, body)
        response = Response(body, mimetype="application/json")
    if tag:
        response.set_etag(tag, weak=True)  # weak, since it is the same whether compressed or not
        response.cache_control.private = response.cache_control.no_cache = True
    return response


def received(route: Route) -> dict[str, Any]:
    """The fields that a request holds, in its address or its body.

    Raises:
        Refusal: The body is no JSON object, or a field reads otherwise than it should.
    """
    if request.method != "POST":
        return from_address(route.fields, request.args.items(multi=True))
    if request.mimetype != "application/json":
        raise Refusal(415, "expected a body in JSON, received another kind; send Content-Type: application/json")
    values = parse_json(request.get_data(cache=False), "body")
    if not isinstance(values, dict):
        raise Refusal(400, "body: expected a JSON object, received something else; send one")
    return values


def answered(route: Route, asked: Asked) -> bytes:
    """The answer in JSON."""
    made = route.make(asked)
    asked.deadline.check()
    return encoded(made | {"seconds": round(asked.deadline.elapsed, 4)})


def fingerprint(*parts: Any) -> str:
    """What an answer is a function of, in short."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def encoded(answer: dict) -> bytes:
    """JSON, in ASCII, so that a lone surrogate of a text passes too."""
    return json.dumps(answer, separators=(",", ":"), allow_nan=False).encode("ascii")


def as_json(answer: dict, status: int = 200) -> Response:
    """A response in JSON."""
    return Response(encoded(answer), status, mimetype="application/json")


def unchanged_or(response: Response) -> Response:
    """The response, or that it is what the client has already."""
    response.add_etag(weak=True)
    response.cache_control.private = response.cache_control.no_cache = True
    return response.make_conditional(request)


def finished(response: Response) -> Response:
    """What every response gets: security headers, how it may be kept, and gzip where that was asked for."""
    response.headers.update(HEADERS)
    if not response.cache_control:
        response.cache_control.no_store = True
    if response.mimetype in ZIPPED and not response.is_streamed:
        response.vary.add("Accept-Encoding")  # told of every such answer, zipped or not
        if response.status_code != 304 and request.accept_encodings["gzip"] > 0:
            zip_long(response)
    return response


def zip_long(response: Response) -> None:
    """Compresses what is worth it."""
    content = response.get_data()
    if len(content) > GZIP_FROM:
        response.set_data(gzip.compress(content, GZIP_LEVEL, mtime=0))
        response.content_encoding = "gzip"


# ------------------------------------------------------------------------------------------------------------ refusals


def refused(error: UserError) -> Response:
    """What the user can mend, in one sentence."""
    response = as_json({"error": in_a_sentence(error)}, error.status if isinstance(error, Refusal) else 422)
    response.headers.update(error.headers if isinstance(error, Refusal) else {})
    return response


def refused_by_flask(limits: Limits, error: HTTPException) -> Response:
    """What no route was asked for."""
    status = error.code or 500
    meanings = MEANINGS | {413: f"{limits.too_long}; send a smaller picture"}
    words = meanings.get(status) or f"the request was refused: {http.HTTPStatus(status).phrase.lower()}"
    response = as_json({"error": words}, status)
    if allowed := getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(allowed)
    return response


def failed(error: Exception) -> Response:
    """A mistake of ours: its traceback is for the server's terminal, and nobody else."""
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return as_json({"error": "the server made a mistake; please try again, or something else"}, 500)


# ------------------------------------------------------------------------------------------------------------- serving


def main(arguments: Arguments) -> None:
    """Serves until Ctrl-C.

    Raises:
        UserError: The address cannot be listened on, or there is no such folder.
    """
    if arguments.models_dir and not arguments.models_dir.is_dir():
        raise UserError(f"--models-dir {arguments.models_dir}: expected a folder, found none; check the path")
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # that somebody waits for a moment is no news
    local = is_loopback(arguments.host)
    host = f"[{arguments.host}]" if ":" in arguments.host else arguments.host
    names = dict.fromkeys([*LOOPBACK_NAMES, host]) if local else None
    app = create_app(arguments.models_dir, None, arguments.data_dir, None, names)
    from web_serving import make_server  # loaded here: `flask run` serves by itself

    server = make_server(app, arguments.host, arguments.port)
    if not local:
        print(f"note: --host {arguments.host}: whoever reaches this machine over the network can use the page, without "
              f"a password and unencrypted; leave it out to keep it to yourself")  # fmt: skip
    print(f"Scriptorium: http://{host}:{server.effective_port} (Ctrl-C stops it)", flush=True)
    server.run()


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


if __name__ == "__main__":
    run_script(lambda: main(parse(lambda: tyro.cli(Arguments))))
