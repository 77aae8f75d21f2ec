"""Where the public sets can be had, and on what terms."""

import streamlit as st

from hemo.data.public_sets import PUBLIC_SETS
from pages.components.text import plain


def show() -> None:
    """One card a set; nothing is downloaded."""
    st.markdown(
        "Hemo downloads nothing. Fetch a set from its publisher, on the publisher's terms, and import the folder here."
    )
    for pair in (PUBLIC_SETS[:2], PUBLIC_SETS[2:]):
        for column, entry in zip(st.columns(2), pair, strict=True):
            with column, st.container(border=True, height="stretch"):
                st.markdown(f"**{plain(entry.name)}**  \n{plain(entry.holds)}.")
                st.caption(f"**Licence** {plain(entry.licence)}  \n**Into Hemo** {plain(entry.how)}.")
                st.link_button("Publisher's page", entry.url, icon=":material/open_in_new:", type="tertiary")
