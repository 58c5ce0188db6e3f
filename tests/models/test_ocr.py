"""`ocr_det` and `ocr_rec`: real files, pictures of text that the networks really read."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from bench.models import MODELS, ModelError, _ocr, ocr_det, ocr_rec
from bench.models._ocr import line, page
from bench.models.prepared import prepare
from bench.spec import Input

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

READ = """
import sys, numpy, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
output = session.run(None, {"x": numpy.load(sys.argv[2])})[0]
"""
TEXT_AREA = READ + "print((output > 0.5).mean())"
CONFIDENCE = READ + "print(output.max(axis=-1).mean())"


@pytest.fixture
def files(tmp_path: Path, built: Callable[[str], bytes]) -> Callable[..., tuple[str, str]]:
    """Paths of a model and of an input of that shape, cut out of one for a larger shape."""

    def write(name: str, shape: tuple[int, ...], larger: tuple[int, ...]) -> tuple[str, str]:
        model, feed = tmp_path / "model.onnx", tmp_path / "input.npy"
        model.write_bytes(built(name))
        values = np.asarray(MODELS[name].inputs["x"]((shape, larger)))
        np.save(feed, np.ascontiguousarray(values[tuple(map(slice, shape))]))
        return str(model), str(feed)

    return write


def test_detection_finds_text_in_the_corner_of_a_large_page(
    files: Callable[..., tuple[str, str]], in_child: Callable[..., str]
) -> None:
    area = float(in_child(TEXT_AREA, *files("ocr_det", (1, 3, 320, 320), (1, 3, 736, 736))))
    assert 0.1 < area < 0.6


def test_recognition_is_sure_of_what_it_reads(
    files: Callable[..., tuple[str, str]], in_child: Callable[..., str]
) -> None:
    confidence = float(in_child(CONFIDENCE, *files("ocr_rec", (6, 3, 48, 320), (6, 3, 48, 640))))
    assert confidence > 0.9


def test_pixels_are_normalised_as_rapidocr_does() -> None:
    # Black, the two middle greys and white, in BGR.
    pixels = np.array([[[0, 127, 128], [255, 255, 0]]], dtype=np.uint8)
    expected = (pixels.astype(np.float64) / 255 * 2 - 1).transpose(2, 0, 1)
    for normalise in (ocr_det._normalised, ocr_rec._normalised):
        assert normalise(pixels) == pytest.approx(expected, abs=1e-6)
        assert normalise(pixels).dtype == np.float32


@pytest.mark.parametrize("draw", [page, line])
def test_pictures_are_dark_text_on_light_paper(draw: Callable[[int, int, int], np.ndarray]) -> None:
    picture = draw(48, 320, 1)
    assert picture.shape == (48, 320, 3)
    assert np.array_equal(picture, draw(48, 320, 1))
    assert not np.array_equal(picture, draw(48, 320, 2))
    assert np.median(picture) > 200
    assert 0.03 < (picture.max(axis=2) < 100).mean() < 0.4
    assert picture[..., 0].mean() < picture[..., 2].mean(), "the paper is warm: less blue than red, in BGR"


def test_text_reaches_the_right_edge() -> None:
    dark = (line(48, 640, 3).max(axis=2) < 100).any(axis=0)
    assert dark[-40:].any()


@pytest.mark.parametrize("build", [ocr_det.build, ocr_rec.build])
def test_missing_package_is_one_sentence(build: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_ocr, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match="没有找到 rapidocr") as caught:
        build()
    assert "\n" not in str(caught.value)


def test_missing_file_reaches_the_caller_of_prepare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "shadow" / "rapidocr"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    with pytest.raises(ModelError, match=r"^没有找到 rapidocr 自带的模型文件 PP-OCRv6_det_small\.onnx"):
        prepare(ocr_det.MODEL, [Input(label="page", shapes=((1, 3, 320, 320),))], tmp_path / "models")


def test_finding_the_files_does_not_import_the_package() -> None:
    ocr_det.build()
    assert "rapidocr" not in sys.modules


def test_zeroed_denormals_do_not_change_a_bit_of_the_output(
    tmp_path: Path, in_child: Callable[..., str]
) -> None:
    """They would slow some processors down and so hide what is measured."""
    shipped = _ocr.model_bytes("PP-OCRv6_det_small.onnx")
    cleaned = ocr_det.build()
    weights = [numpy_helper.to_array(t) for t in onnx.load_from_string(cleaned).graph.initializer]
    smallest = np.finfo(np.float32).tiny
    for values in weights:
        if values.dtype == np.float32:
            assert not ((values != 0) & (np.abs(values) < smallest)).any()
    (tmp_path / "shipped.onnx").write_bytes(shipped)
    (tmp_path / "cleaned.onnx").write_bytes(cleaned)
    np.save(tmp_path / "page.npy", ocr_det.make_input(((1, 3, 320, 320),)))
    code = (
        "import os, sys, numpy, onnxruntime as ort; os.chdir(sys.argv[1]); x = numpy.load('page.npy'); "
        "a, b = (ort.InferenceSession(f).run(None, {'x': x})[0] for f in ('shipped.onnx', 'cleaned.onnx')); "
        "assert a.max() > 0.5 and numpy.array_equal(a, b)"
    )
    in_child(code, str(tmp_path))
