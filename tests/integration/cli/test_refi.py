"""A study to NVivo, MAXQDA or ATLAS.ti and back, through the command line."""

import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lxml import etree

from annotations.study import Study
from models.suggestions import Suggestion
from service.house import open_house
from service.settings import read_settings
from service.storage.records import ModelRecord

SCHEMAS = Path(__file__).resolve().parents[2] / "data" / "refi_qda"


def loaded(home: Path, name: str) -> Study:
    house = open_house(read_settings(home=home))
    with house.database.reading() as work:
        found = work.studies.load(name)
    house.database.close()
    return found


def test_a_study_goes_out_as_a_project_and_comes_in_again(
    run: Callable, sample: Path, tmp_path: Path
) -> None:
    run("import", "managers", sample)
    out = tmp_path / "out"
    outcome = run("export", "managers", "--format", "qdpx", "--format", "qdc", "--out", out)
    assert outcome.code == 0, outcome.err
    with zipfile.ZipFile(out / "managers.qdpx") as file:
        project = etree.fromstring(file.read("project.qde"))
    schema = etree.XMLSchema(etree.parse(SCHEMAS / "Project.xsd"))
    assert schema.validate(project), schema.error_log
    schema = etree.XMLSchema(etree.parse(SCHEMAS / "Codebook.xsd"))
    assert schema.validate(etree.parse(out / "managers.qdc")), schema.error_log
    assert run("import", "again", out / "managers.qdpx").code == 0
    assert run("import", "codes", out / "managers.qdc").code == 0
    home = tmp_path / "home"
    before, after = loaded(home, "managers"), loaded(home, "again")
    assert after.transcripts == before.transcripts
    assert set(after.codings) == set(before.codings)
    assert after.readings == before.readings
    assert after.codebook.codes == before.codebook.codes == loaded(home, "codes").codebook.codes
    unchanged = run("import", "managers", out / "managers.qdpx", "--json").document
    assert not any(unchanged["added"].values())


def test_the_nvivo_project_comes_in(run: Callable, shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "formats" / "nvivo_windows_12.qdpx"
    outcome = run("import", "vaccines", path)
    assert "2 transcripts" in outcome.out
    assert "152 codes" in outcome.out
    assert "303 codings came in" in outcome.out
    assert "1 user coded nothing: 'floriansipos'" in outcome.err
    assert run("export", "vaccines", "--format", "qdpx", "--out", tmp_path / "out").code == 0
    again = run("import", "vaccines", tmp_path / "out" / "vaccines.qdpx", "--json").document
    assert not any(again["added"].values())


def test_shown_suggestions_go_out_as_a_models_and_withheld_ones_do_not(
    run: Callable, sample: Path, tmp_path: Path
) -> None:
    run("import", "managers", sample)
    house = open_house(read_settings(home=tmp_path / "home"))
    with house.database.unit_of_work() as work:
        seen, blind = work.studies.transcripts("managers")[:2]
        work.models.add(
            "managers", ModelRecord(version="77aa", encoder="e", size_bytes=1, figures={})
        )
        one = Suggestion(
            transcript=seen.name,
            turn=1,
            start=0,
            end=5,
            text=seen.turns[1].text[:5],
            code=work.studies.codebook("managers").paths[0],
            score=0.8,
            threshold=0.5,
            model_version="77aa",
        )
        for transcript, shown in ((seen, True), (blind, False)):
            work.suggestions.store(
                "managers",
                version="77aa",
                transcript=transcript.name,
                suggestions=[replace(one, transcript=transcript.name)],
                shown=shown,
            )
        work.commit()
    house.database.close()
    outcome = run("export", "managers", "--format", "qdpx", "--out", tmp_path)
    assert "1 suggestion that coders saw is in the project" in outcome.err
    assert "1 suggestion is withheld and not in it" in outcome.err
    run("import", "again", tmp_path / "managers.qdpx")
    (coding,) = (
        one for one in loaded(tmp_path / "home", "again").codings if one.coder == "model:77aa"
    )
    assert (coding.transcript, coding.turn, coding.memo) == (
        seen.name,
        1,
        "Score 0.80, suggested from 0.50.",
    )


def test_memos_go_out_with_the_tables_and_come_in_again(run: Callable, tmp_path: Path) -> None:
    study = tmp_path / "study"
    study.mkdir()
    (study / "transcripts.csv").write_text("transcript,turn,speaker,text\nA,0,Nurse,Tired.\n")
    (study / "codebook.csv").write_text("code,definition,color\nStrain,,#33cc33\n")
    (study / "codings.csv").write_text(
        "transcript,turn,start,end,code,coder,memo\nA,0,0,5,Strain,ana,Why so?\n"
    )
    assert "; 1 memo\n" in run("import", "one", study).out
    run("export", "one", "--format", "csv", "--out", tmp_path / "out")
    assert run("import", "two", tmp_path / "out").code == 0
    (coding,) = loaded(tmp_path / "home", "two").codings
    assert coding.memo == "Why so?"
    assert loaded(tmp_path / "home", "two").codebook.codes[0].color == "#33cc33"


def test_a_study_without_codes_has_no_codebook_file(run: Callable, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Nurse: Tired.\n")
    run("import", "one", tmp_path / "a.txt")
    outcome = run("export", "one", "--format", "qdc", "--out", tmp_path)
    assert outcome.code == 1
    assert "one has no codes yet" in outcome.err
    assert run("export", "one", "--format", "qdpx", "--out", tmp_path).code == 0
