"""Degrees of grey incidence of equally spaced sequences: areas under curves, steps, curvatures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from custvalue._typing import FloatArray


def signed_area(values: FloatArray, step: float) -> FloatArray:
    """Integrate the polygon through each row: inner points in full, the two ends by half."""
    ends = 0.5 * (values[..., 0] + values[..., -1])
    area: FloatArray = step * (values[..., 1:-1].sum(axis=-1) + ends)
    return area


def zero_started(values: FloatArray) -> FloatArray:
    """Move every row so that it starts at zero."""
    started: FloatArray = values - values[..., :1]
    return started


def absolute(series: FloatArray, reference: FloatArray, step: float) -> FloatArray:
    """Compare the areas of the zero-start images."""
    own, other = signed_area(zero_started(series), step), signed_area(zero_started(reference), step)
    # The two areas are added first, so that the sum has the same bits whichever sequence comes first.
    together = 1.0 + (np.abs(own) + np.abs(other))
    degrees: FloatArray = together / (together + np.abs(own - other))
    return degrees


def relative(series: FloatArray, reference: FloatArray, step: float) -> FloatArray:
    """Compare the areas of the zero-start images after division by the first values."""
    return absolute(series / series[..., :1], reference / reference[..., :1], step)


def similitude(series: FloatArray, reference: FloatArray, step: float) -> FloatArray:
    """Take the signed area between the zero-start images."""
    between = signed_area(zero_started(series), step) - signed_area(zero_started(reference), step)
    degrees: FloatArray = 1.0 / (1.0 + np.abs(between))
    return degrees


def nearness(series: FloatArray, reference: FloatArray, step: float) -> FloatArray:
    """Take the signed area between the sequences as they are."""
    degrees: FloatArray = 1.0 / (1.0 + np.abs(signed_area(series - reference, step)))
    return degrees


def slope(series: FloatArray, reference: FloatArray) -> FloatArray:
    """Compare the increments, each sequence's divided by its own mean; the reference's set the measure."""
    wanted = np.diff(reference) / reference.mean()
    own = np.diff(series, axis=-1) / series.mean(axis=-1, keepdims=True)
    together = 1.0 + np.abs(wanted)
    degrees: FloatArray = (together / (together + np.abs(wanted - own))).mean(axis=-1)
    return degrees


def b_type(series: FloatArray, reference: FloatArray) -> FloatArray:
    """Add the mean distances of the values, of their steps, and of half their second differences."""
    apart = series - reference
    displacement = np.abs(apart).mean(axis=-1)
    velocity = np.abs(np.diff(apart, axis=-1)).mean(axis=-1)
    acceleration = 0.5 * np.abs(np.diff(apart, n=2, axis=-1)).mean(axis=-1)
    degrees: FloatArray = 1.0 / (1.0 + displacement + velocity + acceleration)
    return degrees
