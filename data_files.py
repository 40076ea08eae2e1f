"""Finds a data set's files in the data directory and fetches the missing ones, each whole and checked or not at all."""

import contextlib
import logging
import os
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import config
from shell import UserError, written_whole

CHUNK = 1 << 18  # bytes asked from the network at a time
LARGEST_SET = 2 << 30  # bytes of an unpacked data set: over twice what all of EMNIST takes


class Remote(NamedTuple):
    """A file that can be fetched: its md5, and the addresses that serve it, the most reliable first."""

    md5: str
    addresses: tuple[str, ...]


def idx_names(train: str, test: str) -> list[str]:
    """The four files of a set in MNIST's form: train images, test images, train labels, test labels."""
    return [f"{part}-{kind}-ubyte.gz" for kind in ("images-idx3", "labels-idx1") for part in (train, test)]


def _mirrored(md5_sums: Sequence[str], mirrors: Sequence[str]) -> dict[str, Remote]:
    names = idx_names("train", "t10k")
    return {
        name: Remote(md5, tuple(mirror + name for mirror in mirrors)) for name, md5 in zip(names, md5_sums, strict=True)
    }


MNIST = _mirrored(
    (
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "9fb629c4189551a2d022fa330f9573f3",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "ec29112dd5afa0611ce80d1b7f02629c",
    ),
    ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
)
FASHION_MNIST = _mirrored(
    (
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "bef4ecab320f06d8554ea6380940ec79",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bb300cfdad3c16e7a12a480ee83cd310",
    ),
    (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
)
EMNIST = {
    "gzip.zip": Remote(
        "58c8d27c78d21e728a6bc7b3cc06412e",
        (
            "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
            "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip",
        ),
    )
}
SD19 = {
    "by_class.zip": Remote("79572b1694a8506f2b722c7be54130c4", ("https://s3.amazonaws.com/nist-srd/SD19/by_class.zip",))
}


def data_directory(data_dir: Path | None = None) -> Path:
    """`data_dir` if given, else what the environment names, else `data/` beside the scripts."""
    named = data_dir or os.environ.get(config.DATA_DIR_VARIABLE)
    return Path(named) if named else Path(__file__).resolve().parent / "data"


def locate(name: str, folders: Sequence[Path]) -> Path | None:
    """The first file or folder `name` in `folders`; one that ends in .gz may also lie there unpacked."""
    candidates = (folder / form for folder in folders for form in (name, name.removesuffix(".gz")))
    return next((path for path in candidates if path.exists()), None)


def obtain(names: Sequence[str], folders: Sequence[Path], remotes: dict[str, Remote]) -> list[Path]:
    """Finds files, and fetches into the first folder those that are in none.

    Args:
        names: File names, in the order in which they shall be returned.
        folders: Where to look, best first.
        remotes: By file name, where a missing one comes from; a name that is not in it cannot be fetched.

    Raises:
        UserError: A file was neither found nor fetched; names all that miss, the places and the addresses.
    """
    missing = [name for name in names if locate(name, folders) is None]
    for name in missing:
        failures = fetch(remotes[name], folders[0] / name) if name in remotes else ["it cannot be fetched"]
        if failures:
            raise UserError(_not_obtained(missing, folders, remotes, failures))
    return [path for name in names if (path := locate(name, folders))]


def _not_obtained(missing: Sequence[str], folders: Sequence[Path], remotes: dict, failures: Sequence[str]) -> str:
    """One line that lets someone without a network fetch the files elsewhere and bring them here."""
    looked = ", ".join(str(folder) for folder in folders)
    addresses = (address for name in missing if name in remotes for address in remotes[name].addresses)
    places = dict.fromkeys(address.rpartition("/")[0] for address in addresses)
    fetch_by_hand = f"fetch by hand from {' or '.join(places)} and put" if places else "put"
    return (
        f"{', '.join(missing)}: expected in {looked}; not there, and {'; '.join(failures)}; "
        f"{fetch_by_hand} the files into {folders[0]}"
    )


def fetch(remote: Remote, path: Path) -> list[str]:
    """Downloads a file to `path`, trying each address in turn; only a whole one of the right md5 gets that name.

    Returns:
        What went wrong at every address; empty once the file is there.
    """
    import pooch  # loaded here: it costs 0.2 s, and hardly any run downloads
    from requests.exceptions import RequestException

    pooch.get_logger().setLevel(logging.WARNING)  # its progress bar says what its log would
    failures = []
    for address in remote.addresses:
        try:
            with _progress(path.name) as bar, written_whole(path) as draft:
                downloader = pooch.HTTPDownloader(progressbar=bar, chunk_size=CHUNK)
                pooch.retrieve(address, f"md5:{remote.md5}", draft.name, draft.parent, downloader=downloader)
                _share(draft)
            return []
        except RequestException as error:
            failures.append(f"{address} failed ({_network_reason(error)})")
        except ValueError:  # pooch: the bytes do not have the md5
            failures.append(f"{address} sent other data than expected (md5 differs, perhaps a web page)")
    with contextlib.suppress(OSError):
        path.parent.rmdir()  # an empty folder was only made for this file
    return failures


def _share(path: Path) -> None:
    """Gives a file the mode of any new file; pooch makes its own as temporary ones, which nobody else may read."""
    umask = os.umask(0)  # it can only be read by setting it
    os.umask(umask)
    path.chmod(0o666 & ~umask)


@contextlib.contextmanager
def _progress(name: str) -> Iterator:
    from tqdm import tqdm

    # a total of 1, as pooch asks for its truth value before it knows the size; disable=None: silent without a terminal
    with tqdm(total=1, desc=name, unit="B", unit_scale=True, leave=False, disable=None) as bar:
        yield bar


def _network_reason(error: Exception) -> str:
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP {response.status_code}"
    return {"ConnectionError": "no connection", "ChunkedEncodingError": "connection cut"}.get(
        type(error).__name__, type(error).__name__
    )


def extract(archive: Path, names: Sequence[str], folder: Path) -> None:
    """Unpacks the files called `names` from wherever they lie in a zip into `folder`, each whole or not at all.

    Raises:
        UserError: A name is not in the archive, or the files would unpack to more than `LARGEST_SET`.
        Exception: Whatever zipfile raises on a damaged archive.
    """
    with zipfile.ZipFile(archive) as zipped:
        members = {Path(member).name: member for member in zipped.namelist()}
        for name in names:
            if name not in members:
                raise UserError(f"{archive}: expected a member {name}, found none; fetch the archive again")
        check_unpacked_size(zipped, [members[name] for name in names], LARGEST_SET)
        for name in names:
            with written_whole(folder / name) as draft, zipped.open(members[name]) as member, open(draft, "wb") as file:
                shutil.copyfileobj(member, file)


def check_unpacked_size(zipped: zipfile.ZipFile, members: Sequence[str], most: int) -> None:
    """Refuses members that unpack to more than `most` bytes together, since a small zip can hold a thousandfold.

    What zipfile then reads in pieces is never longer than the size that was checked here.

    Raises:
        UserError: They do.
    """
    size = sum(zipped.getinfo(member).file_size for member in members)
    if size > most:
        raise UserError(
            f"{zipped.filename}: expected {', '.join(map(repr, members))} to unpack to {most:,} bytes at most; "
            f"received {size:,}; fetch or make the file again"
        )
