"""Makes a page that is opened first, by its own address, come through the router.

Streamlit runs the files of a folder named `pages` by itself until `st.navigation` was called once in the server's life:
a reader whose first address is `/read` would see that page alone, without settings, sidebar and theme.
"""

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager
from streamlit.runtime.scriptrunner import get_script_run_ctx


def leave_automatic_pages() -> None:
    """Switch the automatic pages off and start the run again, this time from the router; does nothing later."""
    if PagesManager.uses_pages_directory and get_script_run_ctx(suppress_warning=True) is not None:
        PagesManager.uses_pages_directory = False
        st.rerun()
