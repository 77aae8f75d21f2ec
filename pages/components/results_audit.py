"""The shortcut audit on screen: a plain verdict, then each check, then the network beside rules without blood."""

import pandas as pd
import streamlit as st

from hemo.evaluate.audit import Audit
from hemo.evaluate.judged import Judged
from pages.components.text import plain

_MARKS = {
    "pass": ":material/check_circle: holds",
    "warn": ":material/warning: look closer",
    "fail": ":material/error: fails",
    "unknown": ":material/help: not known",
}


def show(chosen: Judged) -> bool:
    """Show the audit.

    Returns:
        True in the run that follows a click on the button that starts it.
    """
    if chosen.audit is None:
        st.markdown(
            "What does this accuracy rest on? The audit looks for patients and near copies on two sides of the split, "
            "judges rules without any notion of blood on the same slices, and asks the network again with the brain, "
            "the skull or the lesion painted over."
        )
        return st.button(
            "Run the shortcut audit", type="primary", key="results_audit_run", icon=":material/fact_check:"
        )
    _show_verdict(chosen.audit)
    st.markdown("##### The network beside rules without blood")
    st.dataframe(baselines(chosen.audit), hide_index=True)
    st.caption(
        "Each rule is fitted on the training part, or out of fold where the set has no split, and judged on the rest. "
        "An AUC below 0.5 is as telling as one above it: the rule points the other way."
    )
    return False


def _show_verdict(audit: Audit) -> None:
    levels = {check.level for check in audit.checks}
    box = st.error if "fail" in levels else st.warning if "warn" in levels else st.success
    box(plain(audit.verdict, 2000), icon=":material/gavel:")
    for check in audit.checks:
        name, mark, finding = st.columns([1.3, 0.9, 4])
        name.markdown(f"**{plain(check.name)}**")
        mark.markdown(_MARKS[check.level])
        finding.markdown(plain(check.finding) + (f"  \n:small[{plain(check.why)}]" if check.why else ""))


def baselines(audit: Audit) -> pd.DataFrame:
    """The table of rules, figures as text, reasons where there are none."""

    def text(value: object) -> str:
        return f"{value:.3f}" if isinstance(value, int | float) and value == value else "–"

    return pd.DataFrame(
        [
            {
                "Rule": str(row["rule"]).capitalize() if row["rule"] != "network" else "The network",
                "What it sees": row["what"],
                "Judged on": row["part"],
                "Slices": "–" if row.get("n") is None else f"{int(row['n']):,}",
                "AUC": text(row.get("auc")),
                "Accuracy": text(row.get("accuracy")),
                "Sensitivity": text(row.get("sensitivity")),
                "Specificity": text(row.get("specificity")),
                "Note": row.get("note") or "",
            }
            for row in audit.baselines
        ]
    )
