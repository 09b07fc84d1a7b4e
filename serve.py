"""Serves the app in a container or behind a proxy: `streamlit run serve.py`.

`streamlit run Home.py` does for one person. This opens the store and loads the models before the
first visitor comes, and on SIGTERM finishes what was begun.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from streamlit import config

from core.config import ROOT, load_settings
from core.errors import MienError
from ui import operations


@asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[dict[str, object]]:
    """Around all requests: ready before the first, finished after the last."""
    operations.start()
    await asyncio.to_thread(operations.warm_up)
    yield {}
    await asyncio.to_thread(operations.stop)


def share_cookie_secret() -> None:
    """Give Streamlit the secret of all replicas; says which setting is wrong and ends if one is.

    Streamlit itself takes it from the environment or config.toml only, not from a secret file.
    """
    try:
        secret = load_settings().cookie_secret
    except (MienError, ValueError) as error:  # pydantic's ValidationError is one
        sys.exit(f"mien: {error}")
    if secret is not None:
        config.set_option("server.cookieSecret", secret.get_secret_value())


share_cookie_secret()
app = st.App(ROOT / "Home.py", lifespan=lifespan)
