from annotations.study import Material
from service.storage.session import Database


def test_what_went_in_comes_out(database: Database, material: Material) -> None:
    with database.unit_of_work() as work:
        work.studies.create("trusts")
        added = work.studies.add("trusts", material)
        work.commit()
    with database.reading() as work:
        study = work.studies.load("trusts")
    assert (added.transcripts, added.turns, added.codings, added.readings) == (2, 4, 3, 4)
    assert study.transcripts == material.transcripts
    assert study.codebook == material.codebook
    assert set(study.codings) == set(material.codings)
    assert set(study.readings) == set(material.readings)
