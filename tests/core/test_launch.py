"""What stands in a run directory."""

from datetime import UTC, datetime

from orchestrd.core.launch import ExitRecord, StartRecord, decode_record, encode_order, utc
from orchestrd.model.run import Order, Run
from tests.core.interpreter import SESSION

ORDER = Order(
    run=Run(session=SESSION, generation=1, mark="aaaaaaaa:1:n0nce"),
    argv=("sh", "-c", "echo 'a b'"),
    directory="/project",
    environment=(("ORCH_HOME", "/home"), ("EMPTY", "")),
    secrets_path="/home/secrets/aaaaaaaa.env",
    log_path="/home/logs/aaaaaaaa.log",
)


def test_an_order_is_fields_that_a_launcher_can_split_without_knowing_json() -> None:
    mark, directory, log, secrets, count, *rest = encode_order(ORDER).decode().split("\0")

    assert (mark, directory) == ("aaaaaaaa:1:n0nce", "/project")
    assert (log, secrets) == ("/home/logs/aaaaaaaa.log", "/home/secrets/aaaaaaaa.env")
    assert rest[: int(count)] == ["ORCH_HOME=/home", "EMPTY="]
    assert rest[int(count) :] == ["sh", "-c", "echo 'a b'"]


def test_a_record_is_read_whole_or_not_at_all() -> None:
    assert decode_record(b'{"exit_code":3,"exit_signal":null,"at":1.5,"left":[],"new":1}', ExitRecord) == ExitRecord(
        exit_code=3, exit_signal=None, at=1.5
    )
    assert decode_record(b'{"exit_code":3,"exit_sig', ExitRecord) is None
    assert decode_record(b'{"exit_code":3,"exit_signal":null,"at":1.5}', StartRecord) is None
    assert decode_record(b"\xff\0", ExitRecord) is None


def test_times_of_records_are_aware() -> None:
    assert utc(0.0) == datetime(1970, 1, 1, tzinfo=UTC)
