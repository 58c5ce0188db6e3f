"""Inputs that several experiments feed."""

from __future__ import annotations

from bench.spec import Input

DET_SIZES = tuple(
    (1, 3, height, width) for height in (160, 192, 256, 320, 512) for width in (192, 256, 288, 352, 448, 576)
)
"""Thirty sizes of pages, as a service meets them."""
REC_SIZES = tuple((4, 3, 48, width) for width in range(96, 96 + 30 * 16, 16))
"""Thirty widths of text lines, four lines at a time."""

ASPP_ONE = Input(label="batch=1", shapes=((1, 200, 200, 1),))
DET_736 = Input(label="1x3x736x736", shapes=((1, 3, 736, 736),))
DET_480 = Input(label="1x3x480x480", shapes=((1, 3, 480, 480),))
DET_320 = Input(label="1x3x320x320", shapes=((1, 3, 320, 320),))
DET_MANY = Input(label="30 shapes", shapes=DET_SIZES)
DET_FEW = Input(label="6 shapes", shapes=DET_SIZES[::5])
REC_ONE = Input(label="1x3x48x320", shapes=((1, 3, 48, 320),))
REC_SHORT = Input(label="1x3x48x160", shapes=((1, 3, 48, 160),))
REC_FOUR = Input(label="4x3x48x320", shapes=((4, 3, 48, 320),))
REC_TWO = Input(label="2x3x48x320", shapes=((2, 3, 48, 320),))
REC_MANY = Input(label="30 shapes", shapes=REC_SIZES)
REC_FEW = Input(label="6 shapes", shapes=REC_SIZES[::5])
BERT_128 = Input(label="1x128", shapes=((1, 128),))
BERT_32 = Input(label="1x32", shapes=((1, 32),))
TINY = Input(label="batch=16", shapes=((16, 256),))
