"""The picture desk: a process of its own that decodes, reads and compares uploaded pictures.

Owns that process: started by the first picture, one picture at a time, killed when it takes too
long, stopped when there is nothing to do. What is uploaded is never decoded in a process that
holds connections, keys or other people's data.
"""

from huitong.customers.evidence.picture_desk.desk import (
    PictureDesk,
    PictureDeskBusy,
    PictureDeskFailed,
    choose_face_comparison,
)

__all__ = ["PictureDesk", "PictureDeskBusy", "PictureDeskFailed", "choose_face_comparison"]
