"""What all dashboards have in common: variables, annotations of restarts and take-overs, links among each other."""

from __future__ import annotations

from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    DataSourceRef,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from observability.panels import RUNBOOK, SOURCE
from observability.queries import CHOSEN

TAG: Final = "benzinga-kafka"

ALL: Final = VariableOption(selected=True, text="All", value="$__all")

_STARTED: Final = f"(time() - process_start_time_seconds{{{CHOSEN}}} < 60) and on (namespace, pod, instance) benzinga_build_info{{{CHOSEN}}}"
_TAKEN_OVER: Final = (
    f"(benzinga_source_owned{{{CHOSEN}}} == 1) unless (benzinga_source_owned{{{CHOSEN}}} offset 1m == 1)"
)


def board(uid: str, title: str, description: str) -> dashboard.Dashboard:
    """A dashboard without panels."""
    made = (
        dashboard.Dashboard(title)
        .uid(f"{TAG}-{uid}")
        .description(description)
        .tags([TAG])
        .readonly()
        .timezone("browser")
        .time("now-6h", "now")
        .refresh("30s")
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .link(
            dashboard.DashboardLink("Dashboards")
            .type(DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .include_vars(True)
            .keep_time(True)
        )
        .link(dashboard.DashboardLink("Runbook").type(DashboardLinkType.LINK).url(RUNBOOK).target_blank(True))
        .with_variable(
            dashboard.DatasourceVariable("datasource")
            .label("Data source")
            .type("prometheus")
            .current(VariableOption(selected=True, text="default", value="default"))
        )
    )
    for name, label, query in (
        ("namespace", "Namespace", "label_values(benzinga_build_info, namespace)"),
        ("job", "Job", 'label_values(benzinga_build_info{namespace=~"$namespace"}, job)'),
    ):
        made.with_variable(choice(name, label, query))
    for name, expr, color in (("Restarts", _STARTED, "orange"), ("Take-overs", _TAKEN_OVER, "purple")):
        reference = DataSourceRef(type_val=SOURCE.type_val, uid=SOURCE.uid)
        made.annotation(
            dashboard.AnnotationQuery().name(name).datasource(reference).expr(expr).enable(True).icon_color(color)
        )
    return made


def choice(name: str, label: str, query: str) -> dashboard.QueryVariable:
    """A variable that is filled from a label's values; all of them until some are chosen."""
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".+")
        .current(ALL)
    )


ANNOTATION_TEXTS: Final = {
    "Restarts": {"step": "30s", "titleFormat": "{{pod}} started", "tagKeys": "job"},
    "Take-overs": {"step": "30s", "titleFormat": "{{stream}}: taken over by {{pod}}", "tagKeys": "stream"},
}
"""What the annotation's type in the library has no fields for."""


def finished(made: dict[str, Any]) -> dict[str, Any]:
    """The dashboard's JSON with what the library cannot say, and without what it says for nothing."""
    for annotation in made["annotations"]["list"]:
        annotation.update(ANNOTATION_TEXTS.get(annotation["name"], {}))
    for variable in made["templating"]["list"]:
        for name in ("id", "auto", "auto_count", "auto_min"):
            variable.pop(name, None)
    for number, panel in enumerate(made["panels"], 1):
        panel["id"] = number
    made.pop("style")  # dark or light is the reader's choice
    return made
