"""Whether two pictures show the same face: a protocol, dlib on this machine, and a simulation.

dlib's network gives a face 128 numbers; the Euclidean distance of two faces is small for one
person. Its authors publish 99.38 % on Labeled Faces in the Wild at a distance of 0.6. How well it
does on the customers of a bank was not measured here, so the default is stricter.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from huitong.customers.evidence.findings import Finding, FindingCode, has_errors
from huitong.customers.evidence.pictures import (
    Pixels,
    check_upload,
    decode_picture,
    scale_down,
)
from huitong.kernel import limits

FACE_DISTANCE_MAX: Final = 0.45
#: The share of pairs, in 1,000, that the simulation calls different.
SIMULATED_MISMATCHES_PER_MILLE: Final = 20

_MODELS: Final = "face_recognition_models"
_LANDMARKS: Final = "shape_predictor_5_face_landmarks.dat"
_SLOW_DETECTOR: Final = "mmod_human_face_detector.dat"
_NETWORK: Final = "dlib_face_recognition_resnet_model_v1.dat"
# Twice the size finds faces from 40 pixels on, as the portrait of a card that is not near.
_UPSAMPLING: Final = 1
# A second face counts if it has a quarter of the first one's area: not a poster in the background.
_SECOND_FACE_SHARE: Final = 0.25
# Photographed faces that were tried, upright, scored 0.85 and more, most drawn ones too; text and
# portraits that lie on their side 0.19 and less.
_SURE_MIN: Final = 0.4
_GUESS_MIN: Final = -0.5
_SLOW_LOOKS_MAX: Final = 2
_TURNS: Final = 4
_DISTANCE_DECIMALS: Final = 4

_Descriptor = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceResult:
    """How far two faces are from each other, and what was found wrong.

    `distance` is Euclidean, from 0 (the same picture) to about 1.5; None if a face is missing. The
    pictures' descriptors are not kept: they are biometric data.
    """

    threshold: float
    distance: float | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def is_match(self) -> bool:
        """Whether both pictures show one face each, and the same."""
        return self.distance is not None and not has_errors(self.findings)


class FaceComparison(Protocol):
    """Something that compares the portrait of a document with a picture taken now."""

    async def compare(self, *, document: bytes, selfie: bytes) -> FaceResult:
        """Compare two picture files; a bad picture is a finding. Raises Fault if it is out."""
        ...


class SimulatedFaceComparison:
    """A stand-in that looks at no face: it decides by the digest of the two files.

    Chosen by the setting `HUITONG_FACE_COMPARISON=simulated`. For every 1,000 pairs about
    `SIMULATED_MISMATCHES_PER_MILLE` differ, always the same ones. An upload that is no picture has
    the finding that it would have had.
    """

    def __init__(self, *, threshold: float = FACE_DISTANCE_MAX) -> None:
        """Take the distance up to which faces match."""
        self._threshold = threshold

    async def compare(self, *, document: bytes, selfie: bytes) -> FaceResult:
        """Decide by the first four bytes of SHA-256 over both files' digests."""
        checked = (check_upload(document, field="document"), check_upload(selfie, field="selfie"))
        findings = tuple(finding for finding in checked if finding is not None)
        if findings:
            return FaceResult(threshold=self._threshold, findings=findings)
        both = hashlib.sha256(document).digest() + hashlib.sha256(selfie).digest()
        share = int.from_bytes(hashlib.sha256(both).digest()[:4]) % 1_000
        is_match = share >= SIMULATED_MISMATCHES_PER_MILLE
        distance = self._threshold * (0.5 if is_match else 1.5)
        return judge_distance(distance, self._threshold)


def compare_faces(document: bytes, selfie: bytes, *, threshold: float) -> FaceResult:
    """Compare the faces of two picture files with dlib, on this thread: 0.3 to 6 seconds.

    Findings are about `document` and `selfie`. A picture may lie on its side: cameras note which
    way is up in metadata, which are ignored.
    """
    findings: list[Finding] = []
    descriptors = []
    for content, field in ((document, "document"), (selfie, "selfie")):
        found = _describe(content, field)
        if isinstance(found, tuple):
            findings.extend(found)
        else:
            descriptors.append(found)
    if findings:
        return FaceResult(threshold=threshold, findings=tuple(findings))
    first, second = descriptors
    return judge_distance(float(np.linalg.norm(first - second)), threshold)


def judge_distance(distance: float, threshold: float) -> FaceResult:
    """Return the result of a distance: a mismatch if it is above `threshold`."""
    findings: tuple[Finding, ...] = ()
    if distance > threshold:
        findings = (Finding(code=FindingCode.FACE_MISMATCH, field="selfie"),)
    return FaceResult(
        threshold=threshold, distance=round(distance, _DISTANCE_DECIMALS), findings=findings
    )


def _describe(content: bytes, field: str) -> _Descriptor | tuple[Finding, ...]:
    """Return the descriptor of the one face of a picture, or what is wrong with the picture."""
    decoded = decode_picture(content, side_max=limits.FACE_SIDE_PIXELS_MAX, field=field)
    if decoded.facts is None:
        return decoded.findings
    found = _find_faces(decoded.facts)
    if found is None:
        return (Finding(code=FindingCode.FACE_NOT_FOUND, field=field),)
    pixels, boxes = found
    if len(boxes) > 1:
        return (Finding(code=FindingCode.SEVERAL_FACES, field=field),)
    return _encode(pixels, boxes[0])


def _find_faces(pixels: Pixels) -> tuple[Pixels, list[Any]] | None:
    """Return the picture turned upright and the faces that count, the largest first; or None.

    The quick detector looks at each turn until it is sure. Where it never is, the slow and better
    one looks at the turns that the quick one thought best of.
    """
    guesses = []
    for turns in range(_TURNS):
        turned = np.ascontiguousarray(np.rot90(pixels, k=-turns))
        boxes, scores, _ = _load_detector().run(turned, _UPSAMPLING, _GUESS_MIN)
        sure = [box for box, score in zip(boxes, scores, strict=True) if score >= _SURE_MIN]
        if sure:
            return turned, _largest(sure)
        guesses.append((-max(scores, default=_GUESS_MIN), turns))
    smaller = scale_down(pixels, side_max=limits.FACE_SIDE_PIXELS_SLOW_MAX)
    for _, turns in sorted(guesses)[:_SLOW_LOOKS_MAX]:
        turned = np.ascontiguousarray(np.rot90(smaller, k=-turns))
        seen = [found.rect for found in _load_slow_detector()(turned, 0)]
        if seen:
            return turned, _largest(seen)
    return None


def _largest(boxes: Sequence[Any]) -> list[Any]:
    by_area = sorted(boxes, key=lambda box: -int(box.area()))
    least = _SECOND_FACE_SHARE * by_area[0].area()
    return [box for box in by_area if box.area() >= least]


def _encode(pixels: Pixels, face: Any) -> _Descriptor:
    landmarks, network = _load_network()
    vector = network.compute_face_descriptor(pixels, landmarks(pixels, face))
    return np.asarray(vector, dtype=np.float64)


@lru_cache(maxsize=1)
def _load_detector() -> Any:
    return import_module("dlib").get_frontal_face_detector()


@lru_cache(maxsize=1)
def _load_slow_detector() -> Any:
    return import_module("dlib").cnn_face_detection_model_v1(_weights(_SLOW_DETECTOR))


@lru_cache(maxsize=1)
def _load_network() -> tuple[Any, Any]:
    dlib = import_module("dlib")
    landmarks = dlib.shape_predictor(_weights(_LANDMARKS))
    return landmarks, dlib.face_recognition_model_v1(_weights(_NETWORK))


def _weights(name: str) -> str:
    # The package of the weights is found, not imported: importing it needs pkg_resources.
    spec = find_spec(_MODELS)
    assert spec is not None, "the weights come with the package's dependencies"
    assert spec.submodule_search_locations is not None
    return str(Path(spec.submodule_search_locations[0]) / "models" / name)
