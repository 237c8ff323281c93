"""HTTP as the client reads it: whole however it is cut up, and never whole when it is not."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrd.client.wire import HEAD_BYTES_MAX, Receiver, request_bytes
from orchestrd.model.errors import OrchestrdError, UnreachableError

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\nOrch-Version: 0.1.0\r\n\r\nhello world"
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"


@given(
    answer=st.sampled_from([LENGTH, CHUNKS]),
    cuts=st.lists(st.integers(min_value=0, max_value=len(LENGTH) + len(CHUNKS)), max_size=8),
)
def test_an_answer_is_the_same_however_it_arrives(answer: bytes, cuts: list[int]) -> None:
    receiver = Receiver()
    places = sorted({0, *(cut for cut in cuts if cut < len(answer)), len(answer)})

    body = b"".join(receiver.feed(answer[a:b]) for a, b in pairwise(places))

    assert (receiver.status, body, receiver.is_complete) == (200, b"hello world", True)


@given(answer=st.sampled_from([LENGTH, CHUNKS]), left=st.integers(min_value=0))
def test_an_answer_that_was_cut_off_is_never_taken_for_whole(answer: bytes, left: int) -> None:
    receiver = Receiver()
    part = answer[: left % len(answer)]
    if part:
        receiver.feed(part)

    with pytest.raises(UnreachableError) as cut_off:
        receiver.feed(b"")

    assert (cut_off.value.code, receiver.is_complete) == ("cut_off", False)


def test_headers_are_found_by_their_lower_case_names() -> None:
    receiver = Receiver()

    receiver.feed(LENGTH)

    assert receiver.headers["orch-version"] == "0.1.0"


def test_an_answer_without_a_body_is_complete_with_its_head() -> None:
    receiver = Receiver()

    body = receiver.feed(b"HTTP/1.1 200 OK\r\n\r\n")

    assert (body, receiver.is_complete, receiver.feed(b"")) == (b"", True, b"")


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"x" * (HEAD_BYTES_MAX + 1),
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc",
    ],
)
def test_what_is_no_answer_is_refused(answer: bytes) -> None:
    with pytest.raises(OrchestrdError) as refused:
        Receiver().feed(answer)

    assert refused.value.code == "no_http"


def test_a_request_says_how_long_its_body_is() -> None:
    plain = request_bytes("GET", "/v1/health", (("Accept", "a/b"),), None)
    full = request_bytes("POST", "/v1/sessions", (), b"{}")

    assert plain == b"GET /v1/health HTTP/1.1\r\nHost: orchestrd\r\nConnection: close\r\nAccept: a/b\r\n\r\n"
    assert full.endswith(b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
