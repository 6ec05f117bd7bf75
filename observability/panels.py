"""What a query is shown by: lines over time, one number, states over time, a table. Every panel says what it means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    GraphTresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    FieldColorModeId,
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMappingResult,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from observability.queries import quantile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from grafana_foundation_sdk.cog.builder import Builder
    from grafana_foundation_sdk.models import dashboard as models

    AnyPanel = Builder[models.Panel]

RUNBOOK: Final = "docs/runbook.md"
"""The chart replaces it by the address at which the runbook is published."""

SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")

Steps = tuple[tuple[float, str], ...]
"""Thresholds: from which value on which colour; below the first it is green."""

NONE_ALLOWED: Final[Steps] = ((1, "orange"),)
FAULT: Final[Steps] = ((1, "red"),)

_HEIGHT: Final = 8
_ROW: Final = 24


def query(expr: str, legend: str = "__auto", *, instant: bool = False) -> prometheus.Dataquery:
    """A query; `legend` in Grafana's notation (`{{stream}}`)."""
    made = prometheus.Dataquery().expr(expr).datasource(SOURCE).legend_format(legend)
    return made.instant() if instant else made.range()


def lines(
    title: str,
    description: str,
    unit: str,
    *queries: prometheus.Dataquery,
    width: int = 12,
    steps: Steps = (),
    stacked: bool = False,
    alert: str | None = None,
) -> timeseries.Panel:
    """Values over time, never below 0. `alert`: the alert that watches the same, linked to its section of the runbook."""
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.TABLE).placement(LegendPlacement.BOTTOM)
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .min(0)
        .span(width)
        .height(_HEIGHT)
        .line_width(1)
        .fill_opacity(30 if stacked else 8)
        .show_points(VisibilityMode.NEVER)
        .legend(legend.show_legend(True).calcs(["lastNotNull", "max"]))
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
        .thresholds(_thresholds(steps))
        .links(_links(alert))
    )
    if stacked:
        panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A"))
    if steps:
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphTresholdsStyleMode.DASHED))
    for one in _numbered(queries):
        panel.with_target(one)
    return panel


def number(
    title: str,
    description: str,
    unit: str,
    expr: str,
    *,
    width: int = 4,
    steps: Steps = (),
    decimals: int | None = None,
    alert: str | None = None,
) -> stat.Panel:
    """One value as it is now, green while it is below the first step."""
    panel = (
        stat.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .span(width)
        .height(4)
        .color_mode(BigValueColorMode.BACKGROUND if steps else BigValueColorMode.VALUE)
        .graph_mode(BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(_thresholds(steps))
        .links(_links(alert))
        .with_target(query(expr, title, instant=True).ref_id("A"))
    )
    return panel if decimals is None else panel.decimals(decimals)


def states(
    title: str,
    description: str,
    *queries: prometheus.Dataquery,
    words: Mapping[int, tuple[str, str]] | None = None,
    steps: Steps = FAULT,
    unit: str = "none",
    width: int = _ROW,
    height: int = 6,
    alert: str | None = None,
) -> statetimeline.Panel:
    """States over time, a row a series. `words`: text and colour of each value."""
    panel = (
        statetimeline.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .span(width)
        .height(height)
        .merge_values(True)
        .show_value(VisibilityMode.NEVER)
        .row_height(0.8)
        .color_scheme(dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS))
        .legend(common.VizLegendOptions().show_legend(False).display_mode(LegendDisplayMode.LIST))
        .thresholds(_thresholds(steps))
        .links(_links(alert))
    )
    if words:
        results = {str(value): ValueMappingResult(text=text, color=colour) for value, (text, colour) in words.items()}
        panel.mappings([ValueMap(options=results)])
    for one in _numbered(queries):
        panel.with_target(one)
    return panel


class Column:
    """One column of a table: a query and how its values look."""

    def __init__(
        self, name: str, expr: str, unit: str = "short", steps: Steps = (), decimals: int | None = None
    ) -> None:
        self.name = name
        self.expr = expr
        self.unit = unit
        self.steps = steps
        self.decimals = decimals


def rows(title: str, description: str, key: str, columns: Sequence[Column], *, height: int = 9) -> table.Panel:
    """A table of what is so now: a row for each value of the label `key`, a column for each query."""
    panel = (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit("short")
        .span(_ROW)
        .height(height)
        .thresholds(_thresholds(()))
    )
    names = {}
    for index, column in enumerate(columns):
        ref = _ref(index)
        names[f"Value #{ref}"] = column.name
        made = query(column.expr, column.name, instant=True).format(PromQueryFormat.TABLE)
        panel.with_target(made.ref_id(ref))
        look: list[DynamicConfigValue] = [DynamicConfigValue(id_val="unit", value=column.unit)]
        if column.decimals is not None:
            look.append(DynamicConfigValue(id_val="decimals", value=column.decimals))
        if column.steps:
            look += [
                DynamicConfigValue(id_val="thresholds", value=_thresholds(column.steps).build()),
                DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-background", "mode": "basic"}),
            ]
        panel.override_by_name(column.name, look)
    order = {key: 0, **{f"Value #{_ref(index)}": index + 1 for index in range(len(columns))}}
    organize = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": names}
    return panel.with_transformation(DataTransformerConfig(id_val="merge", options={})).with_transformation(
        DataTransformerConfig(id_val="organize", options=organize)
    )


def quantiles(histogram: str, *, where: str = "") -> tuple[prometheus.Dataquery, ...]:
    """The median, what nearly all stay below, and the worst of a histogram."""
    return tuple(query(quantile(q, histogram, where=where), f"p{q * 100:g}") for q in (0.5, 0.95, 0.99))


def _numbered(queries: Sequence[prometheus.Dataquery]) -> list[prometheus.Dataquery]:
    return [one.ref_id(_ref(index)) for index, one in enumerate(queries)]


def _ref(index: int) -> str:
    return chr(ord("A") + index)


def _thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    made = [Threshold(value=None, color="green"), *(Threshold(value=value, color=color) for value, color in steps)]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(made)


def _links(alert: str | None) -> list[Builder[models.DashboardLink]]:
    if alert is None:
        return []
    link = dashboard.DashboardLink(f"Runbook: {alert}").url(f"{RUNBOOK}#{alert.lower()}").target_blank(True)
    return [link]
