import logging

import pytest

from service import logs


def test_a_failure_is_placed_and_its_words_are_left_out() -> None:
    def stumble() -> None:
        try:
            int("My sister was ill")
        except ValueError as error:
            raise KeyError("My brother too") from error

    with pytest.raises(KeyError) as caught:
        stumble()
    line = logs.failure(caught.value)
    assert line.startswith("KeyError from ValueError at ")
    assert "test_logs.py" in line
    assert "stumble" in line
    assert "sister" not in line
    assert "brother" not in line
    assert "\n" not in line


def test_libraries_are_kept_to_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    try:
        logs.configure("INFO")
        logging.getLogger("service.access").info("request=1")
        logging.getLogger("httpx").info("GET http://a/?text=speech")
    finally:
        root.handlers[:], level = before
        root.setLevel(level)
    out, err = capsys.readouterr()
    assert out == ""
    assert "service.access request=1" in err
    assert "speech" not in err
