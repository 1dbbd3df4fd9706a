"""The HTTP edge: parse, authenticate, call one use case, render.

`create_app` makes the ASGI application of one process; uvicorn runs it (`huitong serve`).
"""

from huitong.api.app import create_app

__all__ = ["create_app"]
