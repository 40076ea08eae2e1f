"""Files as no honest program writes them."""

from shell import UserError


def altered(data: bytes, cut: float, flips: list[tuple[float, int]]) -> bytes:
    """The first `cut` of the data, bytes at some places, shares of its length, being others."""
    changed = bytearray(data)
    for place, value in flips:
        changed[int(place * len(changed))] = value
    return bytes(changed[: round(cut * len(changed))])


def only_user_errors(read, data: bytes, tmp_path_factory) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile"
    path.write_bytes(data)
    try:
        read(path)
    except UserError as error:
        assert "\n" not in str(error) and str(path) in str(error)
