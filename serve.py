"""Serves the app: `streamlit run serve.py`, which is what `make app` and the container do.

It opens the store and loads the models before the first visitor comes, bounds uploads before they
are read, and on SIGTERM finishes what was begun. `streamlit run Home.py` is for hosts that know
no other way: it does without these.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from starlette.middleware import Middleware
from streamlit import config

from core.config import ROOT, load_settings
from core.errors import MienError
from ui.admin import cookie
from ui.admin.sign_in_return import SignInReturn
from ui.runtime import logs, operations
from ui.runtime.upload_guard import UploadGuard


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[dict[str, object]]:
    """Around all requests: ready before the first, finished after the last."""
    operations.start(serving=False)
    await asyncio.to_thread(operations.warm_up)
    yield {}
    await asyncio.to_thread(operations.stop)


try:
    settings = load_settings()
except MienError as error:
    logs.end_for(error)
logs.set_up(settings.log_format, settings.log_level)
if settings.cookie_secret is not None:
    # Streamlit takes it from the environment or config.toml only, not from a secret file.
    config.set_option("server.cookieSecret", settings.cookie_secret.get_secret_value())

# Spelled out here, because `streamlit run` looks for exactly this in the file.
app = st.App(
    ROOT / "Home.py",
    lifespan=lifespan,
    routes=[cookie.route()],
    middleware=[
        Middleware(
            UploadGuard,
            max_session_bytes=settings.max_session_upload_mb * 1_000_000,
            max_total_bytes=settings.max_total_upload_mb * 1_000_000,
        ),
        Middleware(SignInReturn),
    ],
)
