"""RapidOCR as a text reader: models from the wheel, one engine a process, made when needed."""

import os
from functools import lru_cache
from importlib import import_module
from typing import Any, Final

from huitong.customers.evidence.id_card.types import TextLine
from huitong.customers.evidence.pictures import Pixels
from huitong.kernel import limits

# Hardly legible lines are kept: they make the field that they belong to unsure, where a field
# without them would look complete.
_SCORE_MIN: Final = 0.1


class RapidTextReader:
    """Reads lines with RapidOCR (PP-OCRv6 small). It needs about 450 MB once it has read.

    With `is_turning` lines that stand on their head are turned before they are read. The model that
    decides it takes rows of fillers for such lines, so passports are read without it.
    """

    def __init__(self, *, is_turning: bool = True) -> None:
        """Load nothing yet."""
        self._is_turning = is_turning

    def read_lines(self, pixels: Pixels) -> list[TextLine]:
        """Return the lines in any order; none if there is no text."""
        found = _load_engine()(pixels[:, :, ::-1], use_cls=self._is_turning)
        if found.boxes is None or found.txts is None:
            return []
        lines = [
            TextLine(
                text=str(text),
                score=float(score),
                corners=tuple((float(x), float(y)) for x, y in box),
            )
            for box, text, score in zip(found.boxes, found.txts, found.scores, strict=True)
        ]
        return lines[: limits.CARD_LINES_MAX]


@lru_cache(maxsize=1)
def _load_engine() -> Any:
    threads = max(1, min(limits.PICTURE_THREADS_MAX, os.cpu_count() or 1))
    return import_module("rapidocr").RapidOCR(
        params={
            # Its log would hold what was read.
            "Global.log_level": "critical",
            "Global.text_score": _SCORE_MIN,
            "Global.max_side_len": limits.CARD_SIDE_PIXELS_MAX,
            "Det.limit_type": "max",
            "Det.limit_side_len": limits.CARD_DETECTION_PIXELS_MAX,
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
