"""What a file is told to be, and what is done with one that pretends."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from realchat_message import files
from realchat_message.files import check_content_type, check_name, check_size, examine, fits, sniff

from realchat_common.errors import Code, RealChatError

HTML = b"<html><script>alert(1)</script></html>"
EXE = b"MZ" + bytes(200)


def picture(kind: str = "PNG", size: tuple[int, int] = (1200, 600), **options: object) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, "teal").save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize(("kind", "told"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")])
def test_a_picture_has_its_dimensions_and_a_thumbnail(kind: str, told: str) -> None:
    found = examine(picture(kind), told)
    assert (found.content_type, found.matches, found.width, found.height) == (told, True, 1200, 600)
    with Image.open(BytesIO(found.thumbnail)) as small:
        assert (small.format, small.size) == ("WEBP", (512, 256))


def test_a_picture_is_measured_as_it_is_shown_and_its_thumbnail_tells_nothing_else() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010F] = "a camera of mine"
    found = examine(picture("JPEG", (800, 400), exif=exif), "image/jpeg")
    assert (found.width, found.height) == (400, 800)
    with Image.open(BytesIO(found.thumbnail)) as small:
        assert small.size == (256, 512)
    assert b"camera" not in found.thumbnail


@pytest.mark.parametrize(
    ("data", "announced"),
    [
        (HTML, "image/png"),
        (EXE, "image/png"),
        (picture("JPEG"), "image/png"),
        (picture("PNG")[:60], "image/png"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "image/png"),
        (EXE, "text/plain"),
        (HTML, "application/pdf"),
        (b"plain text", "application/vnd.ms-excel"),
    ],
)
def test_what_is_not_what_it_was_announced_to_be_does_not_match(data: bytes, announced: str) -> None:
    assert not examine(data, announced).matches


@pytest.mark.parametrize(
    ("data", "announced", "told"),
    [
        (HTML, "text/html", "text/plain"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg+xml", "text/plain"),
        (b"print(1)", "text/x-python", "text/plain"),
        (b'{"a": 1}', "application/json", "text/plain"),
        (b"\x00\x01\x02", "application/x-own-format", "application/octet-stream"),
        (EXE, "application/octet-stream", "application/x-msdownload"),
        (b"%PDF-1.7 ...", "application/pdf", "application/pdf"),
        (b"\x1aE\xdf\xa3\x01B\x82\x84webm" + bytes(300), "audio/webm", "video/webm"),
    ],
)
def test_a_file_is_served_as_what_its_bytes_tell(data: bytes, announced: str, told: str) -> None:
    found = examine(data, announced)
    assert (found.content_type, found.matches) == (told, True)


def test_a_picture_of_too_many_pixels_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_PIXELS", 100)
    assert not examine(picture(), "image/png").matches


@given(st.binary(max_size=300), st.sampled_from(["image/png", "image/gif", "text/plain", "application/pdf"]))
def test_any_bytes_have_an_answer(data: bytes, announced: str) -> None:
    found = examine(data, announced)
    assert found.matches <= fits(announced, sniff(data))


@pytest.mark.parametrize("name", ["", " ", ".", "..", "a/b", "a\\b", 'a"b', "a\nb", "a\u202eb", "x" * 256])
def test_a_name_is_one_name(name: str) -> None:
    with pytest.raises(RealChatError) as refused:
        check_name(name)
    assert (refused.value.code, refused.value.field) == (Code.INVALID_ARGUMENT, "name")


def test_names_types_and_sizes_are_read() -> None:
    assert check_name(" Cafe\u0301.png ") == "Café.png"
    assert check_content_type("Image/JPG; q=1") == "image/jpeg"
    for text in ("", "image", "image/", "a b/c"):
        with pytest.raises(RealChatError):
            check_content_type(text)
    assert check_size(files.MOST_BYTES) == files.MOST_BYTES
    for size, code in ((0, Code.INVALID_ARGUMENT), (-1, Code.INVALID_ARGUMENT), (2**40, Code.PAYLOAD_TOO_LARGE)):
        with pytest.raises(RealChatError) as refused:
            check_size(size)
        assert refused.value.code is code
