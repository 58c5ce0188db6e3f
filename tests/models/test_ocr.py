"""`ocr_det` and `ocr_rec`: real files, pictures of text that the networks really read."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from real_children import TIMEOUT_S

from bench import variants
from bench.experiments.rapidocr import LINE_BYTES
from bench.measure.child import run_script
from bench.models import MODELS, ModelError, _fonts, _ocr, ocr_det, ocr_rec, rapidocr_page
from bench.models._ocr import line, page
from bench.models.prepared import content_key, prepare
from bench.spec import Input

if TYPE_CHECKING:
    from pathlib import Path


def test_text_in_the_corner_of_a_larger_picture_is_found_and_read(built: Any, infer: Any) -> None:
    def output(name: str, shape: tuple[int, ...], larger: tuple[int, ...]) -> np.ndarray:
        feed = np.asarray(MODELS[name].inputs["x"]((shape, larger)))[tuple(map(slice, shape))]
        (found,) = infer(built(name), feed).outputs.values()
        return found

    assert 0.1 < (output("ocr_det", (1, 3, 320, 320), (1, 3, 736, 736)) > 0.5).mean() < 0.6
    assert output("ocr_rec", (6, 3, 48, 320), (6, 3, 48, 640)).max(axis=-1).mean() > 0.9


def test_pixels_are_normalised_as_rapidocr_does() -> None:
    # Black, the two middle greys and white, in BGR.
    pixels = np.array([[[0, 127, 128], [255, 255, 0]]], dtype=np.uint8)
    expected = (pixels.astype(np.float64) / 255 * 2 - 1).transpose(2, 0, 1)
    for normalise in (ocr_det._normalised, ocr_rec._normalised):
        assert normalise(pixels) == pytest.approx(expected, abs=1e-6)
        assert normalise(pixels).dtype == np.float32


@pytest.mark.parametrize("draw", [page, line])
def test_pictures_are_drawn_from_their_seed_over_the_whole_width(draw: Any) -> None:
    picture = draw(48, 640, 3)
    assert not np.array_equal(picture, draw(48, 640, 4))
    assert (picture.max(axis=2) < 100).any(axis=0)[-40:].any()
    assert picture[..., 0].mean() < picture[..., 2].mean(), "the paper is warm: less blue than red, in BGR"


def test_missing_file_reaches_the_caller_of_prepare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is hidden from the child by one of that name without models."""
    (tmp_path / "rapidocr").mkdir()
    (tmp_path / "rapidocr" / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ModelError, match=r"^没有找到 rapidocr 自带的模型文件 PP-OCRv6_det_small\.onnx"):
        prepare(ocr_det.MODEL, [Input(label="page", shapes=((1, 3, 320, 320),))], tmp_path / "models")


def test_the_models_are_as_shipped_and_their_denormals_are_counted(tmp_path: Path) -> None:
    """The variant that cleans them changes no bit of the output."""
    assert "rapidocr" not in sys.modules, "finding the files does not import the package"
    entry = Input(label="page", shapes=((1, 3, 320, 320),))
    prepared = prepare(ocr_det.MODEL, [entry], tmp_path)
    assert prepared.model_path.read_bytes() == _ocr.model_bytes(ocr_det.FILE)
    assert 0.05 < prepared.denormals / prepared.parameters < 0.2


def test_zeroed_denormals_do_not_change_a_bit_of_the_output(infer: Any, tmp_path: Path) -> None:
    """What readers are given is what the variant runs."""
    shipped, cleaned = tmp_path / "shipped.onnx", tmp_path / variants.file_name("normal_weights")
    shipped.write_bytes(ocr_det.build())
    job = {"variant": "normal_weights", "source": str(shipped), "folder": str(tmp_path)}
    assert run_script(variants.script(), job, {}, TIMEOUT_S)[0] == 0
    weights = [numpy_helper.to_array(one) for one in onnx.load(cleaned).graph.initializer]
    small = (np.abs(one[one != 0]) < np.finfo(np.float32).tiny for one in weights if one.dtype == np.float32)
    assert not any(one.any() for one in small)
    feed = ocr_det.make_input(((1, 3, 320, 320),))
    (before,), (after,) = (infer(path.read_bytes(), feed).outputs.values() for path in (shipped, cleaned))
    assert before.max() > 0.5
    assert np.array_equal(before, after)


@pytest.mark.parametrize("written", rapidocr_page.WRITINGS)
def test_a_smaller_page_is_the_upper_part_of_a_larger_one_and_so_is_its_text(
    written: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if written == "英文":
        monkeypatch.setattr(_fonts, "chinese", lambda: None)
    elif _fonts.chinese() is None:
        pytest.skip("no Chinese font here")
    length = LINE_BYTES
    lines, text = rapidocr_page.lines(8, written), rapidocr_page.make_text(((2, length), (8, length)))
    assert [bytes(line).decode().rstrip() for line in text] == lines
    assert lines[:2] == rapidocr_page.lines(2, written)
    _, _, fewest, most = rapidocr_page.WRITINGS[written]
    assert all(fewest <= len(one) <= most for one in lines)
    assert written in rapidocr_page.note()
    pixels = rapidocr_page.make_page(((100, 480, 3), (400, 480, 3)))
    assert (pixels.shape, pixels.dtype) == ((400, 480, 3), np.uint8)
    dark = (pixels < 100).any(axis=(1, 2))
    between = [number * rapidocr_page.LINE_HEIGHT for number in range(1, 8)]
    assert not any(dark[place - 1 : place + 1].any() for place in between), "no line is cut through"
    assert not (pixels[:, -5:] < 100).any(), "no line runs out of the page"


def test_the_best_font_with_chinese_characters_is_taken_in_its_regular_weight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_fonts, "FOLDERS", (tmp_path, tmp_path / "none"))
    find = _fonts.chinese.__wrapped__
    assert find() is None
    for name in ("Arial.ttf", "wqy-zenhei.ttc", "NotoSansCJK-Bold.ttc", "NotoSansCJK-Regular.ttc"):
        (tmp_path / "deep").mkdir(exist_ok=True)
        (tmp_path / "deep" / name).touch()
    assert find() == tmp_path / "deep" / "NotoSansCJK-Regular.ttc"


def test_a_font_that_comes_or_goes_makes_pages_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {
        content_key(replace(MODELS["rapidocr_page"], note=note)) for note in (lambda: "中文", lambda: "英文")
    }
    assert len(keys) == 2
