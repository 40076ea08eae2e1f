"""The web server: what every answer carries, what it refuses, and that it starts, serves and goes on."""

import contextlib
import gzip
import http.client
import json
import logging
import re
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS, load_all_checks
from web_client import ROOT, SEVEN, client, shared_client

import app as server
import web_serving
from runtime import MODELS_DIR
from shell import UserError
from web_guard import HEADERS, Limits

load_all_checks()
READ = {"image": SEVEN, "alphabet": "digits"}


def refusal(response, status: int) -> str:
    """The sentence of a refusal, which every refusal must have."""
    assert response.status_code == status, response.get_data()[:200]
    assert response.mimetype == "application/json"
    (said,) = response.get_json().values()
    assert said and "\n" not in said and "Traceback" not in said and str(ROOT) not in said
    return said


@pytest.mark.parametrize("path", ["/api/health", "/", "/api/nothing", "/api/read", "/static/nothing.js", "/api/write"])
def test_every_answer_carries_the_security_headers(path):
    response = shared_client().get(path)
    for name, value in HEADERS.items():
        assert response.headers[name] == value
    assert "unsafe" not in response.headers["Content-Security-Policy"]


def test_health_and_models_are_told():
    health = shared_client().get("/api/health").get_json()
    assert health["status"] == "ok" and "recogniser-ascii" in health["models"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", health["version"])
    models = shared_client().get("/api/models").get_json()
    assert {model["task"] for model in models["models"]} == {"recognise", "translate", "write", "invent"}
    assert str(ROOT) not in json.dumps(models)


@pytest.mark.parametrize("path", ["/api/models", "/api/openapi.json", "/", "/api/write?text=ab&seed=3",
                                  "/api/layers?model=cgan-digits&character=1&seed=1"])  # fmt: skip
def test_what_is_asked_for_again_is_told_to_be_the_same(path):
    first = shared_client().get(path)
    assert first.headers["Cache-Control"] == "private, no-cache"
    tag = first.headers["ETag"]
    again = shared_client().get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == tag
    assert first.headers["Vary"] == again.headers["Vary"] == "Accept-Encoding"
    assert shared_client().get(path).data == first.data


def test_what_differs_has_another_tag_and_what_is_drawn_by_chance_none():
    more = ("seed=1", "seed=2", "seed=1&columns=3")
    tags = {shared_client().get(f"/api/sample?characters=a&{fields}").headers["ETag"] for fields in more}
    assert len(tags) == 3
    by_chance, of_a_picture = shared_client().get("/api/write?text=a"), shared_client().post("/api/read", json=READ)
    for response in (by_chance, of_a_picture):
        assert "ETag" not in response.headers
        assert response.headers["Cache-Control"] == "no-store"


def test_long_answers_are_compressed_for_who_asks():
    plain = shared_client().get("/api/models")
    zipped = shared_client().get("/api/models", headers={"Accept-Encoding": "gzip, br"})
    assert "Content-Encoding" not in plain.headers
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert plain.headers["Vary"] == zipped.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(zipped.data) == plain.data and len(zipped.data) < len(plain.data) / 4
    refused = shared_client().get("/api/models", headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in refused.headers


@pytest.mark.parametrize(
    ("body", "kind", "status", "said"),
    [
        (b"", "application/json", 400, "expected JSON"),
        (b"[]", "application/json", 400, "expected a JSON object"),
        (b'{"image": NaN}', "application/json", 400, "expected JSON"),
        (b"{}", "application/json", 400, "image: expected text, received none"),
        (b"{}", "text/plain", 415, "application/json"),
        (b"a=1", "application/x-www-form-urlencoded", 415, "application/json"),
        (b'{"image": "' + b"a" * (10 << 20) + b'"}', "application/json", 413, "at most 5 MB"),
        (gzip.compress(b"{}", mtime=0), "application/json", 400, "expected JSON"),
    ],
)
def test_bodies_that_are_wrong_are_refused(body, kind, status, said):
    assert said in refusal(shared_client().post("/api/read", data=body, content_type=kind), status)


def test_a_limit_of_bodies_is_told_as_it_is():
    own = client(limits=Limits(rate=1e6, burst=10, body=1 << 20))
    body = b'{"image": "' + b"a" * (2 << 20) + b'"}'
    assert "at most 1 MB" in refusal(own.post("/api/read", data=body, content_type="application/json"), 413)
    assert web_serving.WORDS[413].startswith(Limits().too_long)


def test_addresses_and_methods_that_are_wrong_are_refused():
    refusal(shared_client().get("/nothing"), 404)
    assert shared_client().delete("/api/read").headers["Allow"]
    refusal(shared_client().delete("/api/read"), 405)
    for name in ("cvae-ascii/card.json", "cvae-ascii/..%2f..%2fREADME.md", "..%2fimages/x.png", "%00/x", "a/b/c"):
        refusal(shared_client().get(f"/models/{name}"), 404)
    refusal(shared_client().get("/static/..%2fapp.py"), 404)


def test_pictures_of_a_model_are_served(tmp_path):
    (tmp_path / "cvae-ascii").mkdir()
    (tmp_path / "cvae-ascii" / "training.gif").write_bytes(b"GIF89a...")
    (tmp_path / "cvae-ascii" / "epoch-0001.png").write_bytes(b"not on the list")
    own = client(images_dir=tmp_path)
    response = own.get("/models/cvae-ascii/training.gif")
    assert (response.mimetype, response.data) == ("image/gif", b"GIF89a...")
    tag = {"If-None-Match": response.headers["ETag"]}
    assert own.get("/models/cvae-ascii/training.gif", headers=tag).status_code == 304
    refusal(own.get("/models/cvae-ascii/epoch-0001.png"), 404)


def test_only_its_own_names_reach_the_server():
    for name in ("evil.example", "evil.example:5000", "localhost.evil.example", "[::1", "a..b", ""):
        refusal(shared_client().get("/api/health", headers={"Host": name}), 400)
        refusal(shared_client().get("/static/app.js", headers={"Host": name}), 400)
    for name in ("127.0.0.1:5000", "localhost", "[::1]:5000", "[::1]"):
        assert shared_client().get("/api/health", headers={"Host": name}).status_code == 200
    anywhere = client(trusted_hosts=None)
    assert anywhere.get("/api/health", headers={"Host": "any.example"}).status_code == 200


def test_a_client_that_asks_too_often_waits():
    own = client(limits=Limits(rate=0.5, burst=2))
    assert [own.get("/api/health").status_code for _ in range(2)] == [200, 200]
    response = own.get("/api/health")
    refusal(response, 429)
    assert 1 <= int(response.headers["Retry-After"]) <= 2


def test_a_request_that_takes_too_long_is_given_up():
    own = client(limits=Limits(rate=1e6, burst=10, seconds=0))
    assert "longer than" in refusal(own.post("/api/read", json=READ), 408)


def test_a_mistake_of_ours_is_told_without_its_traceback(monkeypatch, caplog):
    real = server.encoded
    monkeypatch.setattr(server, "encoded", lambda answer: 1 / 0 if "seed" in answer else real(answer))
    with caplog.at_level(logging.ERROR):
        said = refusal(shared_client().get("/api/write?text=zz"), 500)
    assert "ZeroDivisionError" in caplog.text and "Zero" not in said


def test_threads_get_the_same_answers_as_one():
    paths = [f"/api/write?text=abc{k % 4}&height={40 + k % 4}" for k in range(4)]
    paths += ["/api/layers?model=recogniser-digits&character=3", "/api/sample?characters=19&source=cgan"]
    asked = [f"{path}&seed=77" for path in paths] * 4
    alone, own = client(), client()

    def image_of(response):
        answer = response.get_json()
        return answer.get("image") or [layer["image"] for layer in answer["layers"]]

    expected = {path: image_of(alone.get(path)) for path in dict.fromkeys(asked)}
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda path: image_of(own.application.test_client().get(path)), asked))
    assert [expected[path] for path in asked] == answers


# schemathesis makes up requests from openapi.json, right ones and wrong ones
schema = schemathesis.openapi.from_wsgi("/api/openapi.json", shared_client().application)
HELD = [CHECKS.get_one(name) for name in ("not_a_server_error", "status_code_conformance", "content_type_conformance",
                                          "response_schema_conformance", "negative_data_rejection")]  # fmt: skip


@schema.parametrize()
@settings(max_examples=6, derandomize=True, suppress_health_check=list(HealthCheck))
def test_requests_made_up_from_the_description_are_answered_as_it_says(case):
    case.call_and_validate(checks=HELD, headers={"Accept-Encoding": "identity"})


# --------------------------------------------------------------------------------------------------- a real process


@pytest.fixture(scope="module")
def running():
    """A server of its own, and its port."""
    command = [sys.executable, ROOT / "app.py", "--port", "0", "--models-dir", str(MODELS_DIR)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        yield int(re.search(r"http://127\.0\.0\.1:(\d+) ", process.stdout.readline())[1])
        process.terminate()


def test_it_does_not_tell_what_it_is_made_of(running):
    with socket.create_connection(("127.0.0.1", running)) as connection:
        connection.sendall(b"GET /api/health HTTP/1.0\r\nHost: localhost\r\n\r\n")
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.0 200") and b"nosniff" in answer
    assert b"\r\nServer:" not in answer


def ask(port: int, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return response.status, response.read()


def test_silent_connections_and_nonsense_do_not_stop_it(running):
    silent = [socket.create_connection(("127.0.0.1", running)) for _ in range(100)]
    silent[0].sendall(b"nonsense\r\n\r\n")
    answer = silent[0].makefile("rb").read()
    assert answer.startswith(b"HTTP/1.0 400") and b"nosniff" in answer
    assert ask(running, "GET", "/api/health")[0] == 200
    status, body = ask(running, "GET", f"/{'a' * 40_000}")
    assert (status, list(json.loads(body))) == (431, ["error"])
    body = json.dumps(READ).encode()
    status, answer = ask(running, "POST", "/api/read", body, **{"Content-Type": "application/json"})
    assert (status, json.loads(answer)["text"]) == (200, "7")
    for connection in silent:
        connection.close()


def test_a_body_that_is_too_long_is_refused_before_it_came(running):
    with socket.create_connection(("127.0.0.1", running)) as connection:
        connection.sendall(b"POST /api/read HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n")
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 413") and b'{"error"' in answer


def test_who_takes_no_answer_and_who_drips_a_request_are_cut_off(monkeypatch):
    def answer(environ, start_response):
        start_response("200 OK", [])
        return [bytes(1 << 20)] * (40 if environ["PATH_INFO"] == "/large" else 1)  # megabytes; 16 wait to be taken

    monkeypatch.setattr(web_serving, "THREADS", 1)
    monkeypatch.setattr(web_serving, "SENDING", 0.3)
    own = web_serving.make_server(answer, "127.0.0.1", 0)
    own.adj.channel_timeout, own.adj.cleanup_interval, own.adj.asyncore_loop_timeout = 0.3, 0.1, 0.1
    thread = threading.Thread(target=own.run, daemon=True)
    thread.start()
    address, seen = ("127.0.0.1", own.effective_port), 0
    with socket.create_connection(address) as greedy, socket.create_connection(address) as dripping:
        greedy.sendall(b"GET /large HTTP/1.1\r\n\r\n")
        for _ in range(200):
            with contextlib.suppress(OSError):
                dripping.sendall(b"G")
            time.sleep(0.05)
            seen = max(seen, len(own.active_channels))
            if seen == 2 and not own.active_channels:
                break
        assert (seen, len(own.active_channels)) == (2, 0)
    assert ask(own.effective_port, "GET", "/")[0] == 200  # the only thread is free again
    own.close()
    thread.join(5)


def test_a_port_in_use_is_told_in_one_line(running):
    with pytest.raises(UserError, match=rf"--port {running}: expected a free one"):
        server.main(server.Arguments(port=running))


def test_addresses_that_are_not_ours_are_told(tmp_path):
    with pytest.raises(UserError, match=r"--host 192\.0\.2\.1 --port 0: cannot listen there"):
        server.main(server.Arguments(host="192.0.2.1", port=0))
    with pytest.raises(UserError, match="expected a folder, found none"):
        server.main(server.Arguments(models_dir=tmp_path / "none"))
    with pytest.raises(ValueError, match="must lie in"):
        server.Arguments(port=70_000)


def test_letting_others_in_is_told(monkeypatch, capsys):
    monkeypatch.setattr(web_serving.Server, "run", lambda self: self.close())
    server.main(server.Arguments(host="0.0.0.0", port=0))
    assert "without a password" in capsys.readouterr().out
    server.main(server.Arguments(port=0))
    assert capsys.readouterr().out.count("\n") == 1


def test_the_server_needs_no_tensorflow_and_no_matplotlib():
    code = (
        "import sys, app\n"
        "client = app.create_app().test_client()\n"
        "assert client.get('/api/models').status_code == 200\n"
        "print({'tensorflow', 'keras', 'matplotlib', 'scipy', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"
