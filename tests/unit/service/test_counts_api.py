"""Counts over HTTP."""

from fastapi.testclient import TestClient


def test_counts_are_told_over_http(client: TestClient, api: dict[str, str], study: str) -> None:
    matrix = client.get(f"/api/v1/studies/{study}/matrix", headers=api)
    assert matrix.status_code == 200
    (row,) = matrix.json()["rows"]
    assert row["cells"] == [{"references": 1, "transcripts": 1, "per_1000": 1000 / 6}]
    met = client.get(f"/api/v1/studies/{study}/cooccurrence", headers=api)
    assert met.status_code == 200
    assert met.json()["pairs"] == []


def test_an_attribute_that_is_not_there_is_a_conflict(
    client: TestClient, api: dict[str, str], study: str
) -> None:
    answer = client.get(f"/api/v1/studies/{study}/matrix?by=trust", headers=api)
    assert answer.status_code == 409
    assert "the transcripts have none" in answer.json()["error"]["message"]
