"""Files are found, or fetched and unpacked whole; what cannot be had is told in one line that says what to do."""

import hashlib
import http.server
import os
import threading
import tracemalloc
import zipfile
from pathlib import Path

import pytest

import data_files
from data_files import Remote, extract, fetch, idx_names, locate, obtain
from shell import UserError

MNIST_NAMES = idx_names("train", "t10k")


def test_locate_prefers_the_first_folder(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x").write_text(folder)
    assert locate("x.gz", [tmp_path / "b", tmp_path / "a"]) == tmp_path / "b" / "x"
    assert locate("y", [tmp_path]) is None


# --- fetching --------------------------------------------------------------------------------------------------------

PAYLOAD = bytes(range(256)) * 4000
GOOD_MD5 = hashlib.md5(PAYLOAD).hexdigest()


class Server(http.server.BaseHTTPRequestHandler):
    """/good sends the payload, /cut half of what it announces, /page a web page, anything else 404."""

    def do_GET(self):
        body = {"/good": PAYLOAD, "/cut": PAYLOAD, "/page": b"<!DOCTYPE html><p>we moved"}.get(self.path)
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write((body or b"")[: len(PAYLOAD) // 2] if self.path == "/cut" else body or b"")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.mark.parametrize("first", ["/gone", "/cut", "/page"])
def test_next_mirror_is_tried_when_the_first_fails(server, tmp_path, first):
    path = tmp_path / "set" / "data.gz"
    assert fetch(Remote(GOOD_MD5, (server + first, server + "/good")), path) == []
    assert path.read_bytes() == PAYLOAD
    assert list(path.parent.iterdir()) == [path], "a draft was left behind"


@pytest.mark.parametrize(
    ("address", "reason"), [("/gone", "HTTP 404"), ("/cut", "connection cut"), ("/page", "md5 differs")]
)
def test_failed_fetch_leaves_nothing_and_says_why(server, tmp_path, address, reason):
    path = tmp_path / "set" / "data.gz"
    (failure,) = fetch(Remote(GOOD_MD5, (server + address,)), path)
    assert address in failure and reason in failure
    assert not list(tmp_path.iterdir())


def test_failed_fetch_keeps_the_files_that_were_there(server, tmp_path):
    (tmp_path / "other").write_text("mine")
    assert fetch(Remote("0" * 32, (server + "/good",)), tmp_path / "data.gz")
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_without_network_one_line_says_what_to_fetch_and_where_to_put_it(tmp_path):
    address = "http://127.0.0.1:9/mirror/"  # the discard port: nobody listens
    remotes = {name: Remote("0" * 32, (address + name,)) for name in MNIST_NAMES}
    with pytest.raises(UserError) as error:
        obtain(MNIST_NAMES, [tmp_path / "mnist", tmp_path], remotes)
    text = str(error.value)
    for part in (*MNIST_NAMES, address.rstrip("/"), str(tmp_path / "mnist"), "no connection"):
        assert part in text
    assert "\n" not in text and not list(tmp_path.iterdir())


def test_only_the_missing_files_are_fetched(server, tmp_path):
    (tmp_path / "here").write_text("mine")
    remotes = {"here": Remote("0" * 32, ()), "there": Remote(GOOD_MD5, (server + "/good",))}
    here, there = obtain(["here", "there"], [tmp_path], remotes)
    assert here.read_text() == "mine" and there.read_bytes() == PAYLOAD


def test_fetched_file_has_the_mode_of_any_new_file(server, tmp_path):
    (tmp_path / "mine").touch()
    assert fetch(Remote(GOOD_MD5, (server + "/good",)), tmp_path / "data.gz") == []
    assert os.stat(tmp_path / "data.gz").st_mode == os.stat(tmp_path / "mine").st_mode


@pytest.mark.parametrize("remotes", [data_files.MNIST, data_files.FASHION_MNIST, data_files.EMNIST, data_files.SD19])
def test_encrypted_addresses_come_first(remotes):
    assert all(remote.addresses[0].startswith("https://") for remote in remotes.values())


# --- archives --------------------------------------------------------------------------------------------------------


def write_zip(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"folder/{name}", content)
    return path


def test_members_are_unpacked_from_wherever_they_lie(tmp_path):
    extract(write_zip(tmp_path / "set.zip", a=PAYLOAD, b=b"b", c=b"c"), ["a", "b"], tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == {"a": PAYLOAD, "b": b"b"}


def test_members_that_unpack_to_too_much_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(data_files, "LARGEST_SET", 1000)
    bomb = write_zip(tmp_path / "set.zip", a=bytes(600), b=bytes(401))
    with pytest.raises(UserError, match="set.zip.*1,000 bytes at most; received 1,001"):
        extract(bomb, ["a", "b"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
    extract(bomb, ["a"], tmp_path / "out")


def test_member_that_is_longer_than_it_claims_is_not_unpacked(tmp_path):
    content = bytes(50_000_000)
    path = write_zip(tmp_path / "set.zip", a=content)
    true, false = (size.to_bytes(4, "little") for size in (len(content), 100))
    path.write_bytes(path.read_bytes().replace(true, false))
    del content
    tracemalloc.start()
    with pytest.raises(zipfile.BadZipFile):
        extract(path, ["a"], tmp_path / "out")
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()
    assert not list((tmp_path / "out").iterdir())
