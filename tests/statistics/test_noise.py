"""Noise: autocorrelations and generalised least squares, by other ways than the kit's."""

from __future__ import annotations

import numpy as np
import pytest

from kpi_kit.statistics.noise import KINDS, Kind, capped, covariances, model, two_sided
from kpi_kit.statistics.season import design, fitted_to, waves

GAPS = np.array([0, 1, 2, 5, 6, 7, 9, 10, 11, 12, 13, 20], dtype="int64")


def test_autocorrelations() -> None:
    assert Kind("ar", 0.5).autocorrelation([0, 1, 3]).tolist() == [1.0, 0.5, 0.125]
    assert Kind("mixed", 0.5, 0.4).autocorrelation([0, 1, 3]).tolist() == pytest.approx([1.0, 0.2, 0.05])
    # Hosking (1981): ρ₁ = d / (1 − d), ρ₂ = ρ₁ (1 + d) / (2 − d)
    rho = 0.3 / 0.7
    assert Kind("long", 0.3).autocorrelation([0, 1, 2]) == pytest.approx([1.0, rho, rho * 1.3 / 1.7])


@pytest.mark.parametrize("at", [np.arange(12, dtype="int64"), GAPS])
def test_models_are_generalised_least_squares(at: np.ndarray) -> None:
    columns = design(at, "trend", seasonal=False)
    fitted = model(at, columns)
    y = np.random.default_rng(2).standard_normal((len(at), 3)) + 0.1 * at[:, None]
    for kind, covariance in enumerate(covariances(at)):
        white = np.linalg.inv(np.linalg.cholesky(covariance))
        coefficients, squares, *_ = np.linalg.lstsq(white @ columns, white @ y, rcond=None)
        assert fitted.weights[kind] @ y == pytest.approx(coefficients, rel=1e-5, abs=1e-7)
        assert fitted.squares(y)[kind] == pytest.approx(squares, rel=1e-5)
        rows = white @ columns
        assert fitted.spread[kind] == pytest.approx(np.linalg.inv(rows.T @ rows), rel=1e-4)
        volume = -0.5 * np.linalg.slogdet(covariance)[1] - 0.5 * np.linalg.slogdet(rows.T @ rows)[1]
        assert fitted.log_volume[kind] == pytest.approx(volume, abs=1e-4)
    assert fitted.free == len(at) - 2
    assert fitted.kinds(fitted.squares(y)).sum(axis=0) == pytest.approx(np.ones(3))


def test_a_long_series_tells_its_kind() -> None:
    at = np.arange(200, dtype="int64")
    noise = np.random.default_rng(3).standard_normal(200)
    for week in range(1, 200):
        noise[week] += 0.8 * noise[week - 1]
    fitted = model(at, np.ones((200, 1)))
    likely = fitted.kinds(fitted.squares(noise[:, None]))[:, 0]
    memory = np.array([float(kind.autocorrelation(1.0)) for kind in KINDS])
    assert likely @ memory == pytest.approx(0.8, abs=0.1)


def test_a_season_of_the_noise_widens_what_it_can_feign() -> None:
    at = np.arange(26, dtype="int64")
    plain, seasonal = (fitted_to(at.tobytes(), "trend", False, year) for year in (None, 52.18))
    assert (seasonal.spread[:, 1, 1] > 4 * plain.spread[:, 1, 1])[:5].all()
    assert waves(at, 52.18).shape == (26, 4)


def test_values_far_off_are_drawn_in() -> None:
    rng = np.random.default_rng(5)
    columns = np.column_stack([np.ones(60), np.arange(60.0)])
    calm = rng.standard_normal(60).clip(-2, 2) + 0.5 * np.arange(60)
    assert capped(calm, columns) == pytest.approx(calm)
    spoilt = calm.copy()
    spoilt[30] += 1e4
    assert abs(capped(spoilt, columns)[30] - calm[30]) < 8
    assert np.delete(capped(spoilt, columns), 30) == pytest.approx(np.delete(calm, 30))


def test_two_tails() -> None:
    assert two_sided(np.array([-2.228139, 0.0]), 10) == pytest.approx(
        [0.05, 1.0], abs=1e-6
    )  # a printed table
