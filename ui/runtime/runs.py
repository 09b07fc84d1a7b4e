"""Which run of the script this is; Streamlit says it nowhere."""

from streamlit.runtime.scriptrunner import get_script_run_ctx


def this_run() -> object | None:
    """An object that is the same one all through a run of a page or fragment, and no other's.

    None outside of a run. Streamlit makes a new dictionary of cursors at the beginning of each
    run (1.67: `ScriptRunContext.reset`); whoever keeps it can tell by `is` whether it still runs.
    """
    ctx = get_script_run_ctx(suppress_warning=True)
    return None if ctx is None else ctx.cursors
