"""What a wheel carries besides the package: the notebooks, the style of pages, the schemas of params."""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ShippedFiles(BuildHookInterface):  # type: ignore[misc]  # hatchling is no dependency of the kit
    """Put the files that :func:`kpi_kit.core.shipped.shipped` looks for into a wheel.

    An editable installation finds them in the checkout.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files, unless the installation is editable."""
        if version != "editable":
            build_data["force_include"] |= {
                "notebooks": "kpi_kit/notebooks",
                "params/schema": "kpi_kit/params/schema",
                "reports/_quarto.yml": "kpi_kit/reports/_quarto.yml",
                "reports/theme.css": "kpi_kit/reports/theme.css",
            }
