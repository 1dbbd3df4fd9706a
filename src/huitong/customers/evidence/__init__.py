"""Evidence of who somebody is: numbers, pictures of identity cards, and faces.

Owns judging what was typed and uploaded. Nothing here touches a database or the network, and
nothing raises for bad input: it returns named findings. Pictures are worked on by `PictureDesk`.
"""

from huitong.customers.evidence.face import (
    FACE_DISTANCE_MAX,
    FaceComparison,
    FaceResult,
    SimulatedFaceComparison,
)
from huitong.customers.evidence.findings import (
    Checked,
    Finding,
    FindingCode,
    Severity,
    has_errors,
    to_invalid_fields,
)
from huitong.customers.evidence.picture_desk import (
    PictureDesk,
    PictureDeskBusy,
    PictureDeskFailed,
)
from huitong.customers.evidence.pictures import Picture, check_picture

__all__ = [
    "FACE_DISTANCE_MAX",
    "Checked",
    "FaceComparison",
    "FaceResult",
    "Finding",
    "FindingCode",
    "Picture",
    "PictureDesk",
    "PictureDeskBusy",
    "PictureDeskFailed",
    "Severity",
    "SimulatedFaceComparison",
    "check_picture",
    "has_errors",
    "to_invalid_fields",
]
