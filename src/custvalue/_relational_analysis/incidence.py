"""Degrees of grey incidence: how alike two equally spaced sequences run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from custvalue._relational_analysis.degrees import single

if TYPE_CHECKING:
    from custvalue._typing import ArrayLike


def absolute_degree(sequence: ArrayLike, reference: ArrayLike, *, step: float = 1.0) -> float:
    r"""Compute the absolute degree of grey incidence (灰色绝对关联度) of two sequences.

    It compares the areas under the two curves after both were moved to start at zero: how alike the changes since
    the start are, in the units of the data.

    Parameters
    ----------
    sequence : array_like of shape (n_points,)
        One sequence, at least two points at equal distances of time.
    reference : array_like of shape (n_points,)
        The other, in the same unit and at the same times.
    step : float, default=1.0
        Time between two points, in the unit of time that areas are measured in. The source takes 1.

    Returns
    -------
    float
        Degree in (1/2, 1].

    Raises
    ------
    DataError
        If a value is missing or infinite.
    DomainError
        If lengths differ, there are fewer than two points, or `step` is not positive.

    See Also
    --------
    relative_degree : The same after division by the first value.
    similitude_degree : The same question without the lower bound of one half.

    Notes
    -----
    With :math:`x^0(k) = x(k) - x(1)` and :math:`s = h (\sum_{k=2}^{n-1} x^0(k) + \tfrac12 x^0(n))`, where
    :math:`h` is the step (Liu and Lin 2006, ch. 3 [1]_),

    .. math:: \varepsilon = \frac{1 + |s_0| + |s_1|}{1 + |s_0| + |s_1| + |s_1 - s_0|}.

    Symmetric. Unchanged when either sequence is shifted up or down, not when they are rescaled: the 1 in the
    formula is one unit of value times one of time, so thousands instead of units give another degree. Blind to
    shape: all sequences with the same signed area have the degree 1, and since :math:`|s_1 - s_0| \le |s_0| +
    |s_1|` even opposite ones stay above 1/2. Cost: :math:`O(n)`.

    References
    ----------
    .. [1] Liu, S. and Lin, Y. (2006). *Grey Information: Theory and Practical Applications*. Springer.

    Examples
    --------
    >>> from custvalue import grey
    >>> grey.absolute_degree([1.0, 2.0, 4.0], [5.0, 6.0, 6.0])  # areas 2.5 and 1.5: 5 / 6
    0.8333333333333334
    """
    return single(sequence, reference, "absolute", step)


def relative_degree(sequence: ArrayLike, reference: ArrayLike, *, step: float = 1.0) -> float:
    r"""Compute the relative degree of grey incidence (灰色相对关联度) of two sequences.

    The absolute degree of the sequences divided by their first values: how alike the rates of change since the
    start are.

    Parameters
    ----------
    sequence : array_like of shape (n_points,)
        One sequence, at least two points at equal distances of time, its first value not zero.
    reference : array_like of shape (n_points,)
        The other, at the same times, its first value not zero; the unit may differ.
    step : float, default=1.0
        Time between two points, in the unit of time that areas are measured in. The source takes 1.

    Returns
    -------
    float
        Degree in (1/2, 1].

    Raises
    ------
    DataError
        If a value is missing or infinite.
    DomainError
        If a first value is zero, lengths differ, there are fewer than two points, or `step` is not positive.

    See Also
    --------
    absolute_degree : Without the division, in the units of the data.
    slope_degree : Rates of change step by step, relative to the mean.

    Notes
    -----
    :func:`absolute_degree` of :math:`x_i(k) / x_i(1)` (Liu and Lin 2006, ch. 3 [1]_). Symmetric. Unchanged when
    either sequence is multiplied by a number other than zero, not when it is shifted. Blind to shape like the
    absolute degree, and it hangs on one value: a first point that is small or measured badly moves every quotient.
    Cost: :math:`O(n)`.

    References
    ----------
    .. [1] Liu, S. and Lin, Y. (2006). *Grey Information: Theory and Practical Applications*. Springer.

    Examples
    --------
    >>> from custvalue import grey
    >>> grey.relative_degree([1.0, 2.0, 4.0], [10.0, 20.0, 40.0])
    1.0
    >>> grey.relative_degree([1.0, 2.0, 4.0], [2.0, 3.0, 3.0])  # areas 2.5 and 0.75: 4.25 / 6
    0.7083333333333334
    """
    return single(sequence, reference, "relative", step)


def synthetic_degree(sequence: ArrayLike, reference: ArrayLike, *, theta: float = 0.5, step: float = 1.0) -> float:
    r"""Compute the synthetic degree of grey incidence (灰色综合关联度) of two sequences.

    A weighted mean of the absolute and the relative degree.

    Parameters
    ----------
    sequence : array_like of shape (n_points,)
        One sequence, at least two points at equal distances of time, its first value not zero.
    reference : array_like of shape (n_points,)
        The other, in the same unit and at the same times, its first value not zero.
    theta : float, default=0.5
        Weight of the absolute degree, in [0, 1]; the relative degree has the rest.
    step : float, default=1.0
        Time between two points, in the unit of time that areas are measured in. The source takes 1.

    Returns
    -------
    float
        Degree in (1/2, 1].

    Raises
    ------
    DataError
        If a value is missing or infinite.
    DomainError
        If `theta` lies outside [0, 1], a first value is zero, lengths differ, there are fewer than two points, or
        `step` is not positive.

    See Also
    --------
    absolute_degree, relative_degree : The two parts.

    Notes
    -----
    :math:`\rho = \theta \varepsilon + (1 - \theta) r` (Liu and Lin 2006, ch. 3 [1]_). Symmetric. Neither shifts
    nor multiples leave it unchanged, for each moves one of its parts; it has the flaws of both. Cost:
    :math:`O(n)`.

    References
    ----------
    .. [1] Liu, S. and Lin, Y. (2006). *Grey Information: Theory and Practical Applications*. Springer.

    Examples
    --------
    >>> from custvalue import grey
    >>> grey.synthetic_degree([1.0, 2.0, 4.0], [2.0, 3.0, 3.0])  # (5 / 6 + 4.25 / 6) / 2
    0.7708333333333334
    """
    return single(sequence, reference, "synthetic", step, theta)


def similitude_degree(sequence: ArrayLike, reference: ArrayLike, *, step: float = 1.0) -> float:
    r"""Compute the similitude degree of grey incidence (灰色相似关联度) of two sequences.

    It asks how alike two curves run since their start, whatever their level.

    Parameters
    ----------
    sequence : array_like of shape (n_points,)
        One sequence, at least two points at equal distances of time.
    reference : array_like of shape (n_points,)
        The other, in the same unit and at the same times.
    step : float, default=1.0
        Time between two points, in the unit of time that areas are measured in. The source takes 1.

    Returns
    -------
    float
        Degree in (0, 1].

    Raises
    ------
    DataError
        If a value is missing or infinite.
    DomainError
        If lengths differ, there are fewer than two points, or `step` is not positive.

    See Also
    --------
    nearness_degree : How near the two curves lie in space.
    absolute_degree : The older degree, which never falls below one half.

    Notes
    -----
    :math:`\varepsilon = 1 / (1 + |s_0 - s_1|)` with the areas :math:`s` of :func:`absolute_degree` (Liu, Xie and
    Forrest 2011 [1]_). Symmetric. Unchanged when either sequence is shifted, not when both are rescaled. Blind to
    differences whose areas cancel: it is 1 for different shapes with the same signed area. Cost: :math:`O(n)`.

    References
    ----------
    .. [1] Liu, S., Xie, N. and Forrest, J. (2011). Novel models of grey relational analysis based on visual angle
       of similarity and nearness. *Grey Systems: Theory and Application*, 1(1), 8-18.

    Examples
    --------
    >>> from custvalue import grey
    >>> grey.similitude_degree([1.0, 2.0, 4.0], [5.0, 6.0, 6.0])  # areas 2.5 and 1.5
    0.5
    """
    return single(sequence, reference, "similitude", step)


def nearness_degree(sequence: ArrayLike, reference: ArrayLike, *, step: float = 1.0) -> float:
    r"""Compute the nearness degree of grey incidence (灰色接近关联度) of two sequences.

    It asks how near two curves lie to each other, so it has a meaning only for two sequences in one unit.

    Parameters
    ----------
    sequence : array_like of shape (n_points,)
        One sequence, at least two points at equal distances of time.
    reference : array_like of shape (n_points,)
        The other, in the same unit and at the same times.
    step : float, default=1.0
        Time between two points, in the unit of time that areas are measured in. The source takes 1.

    Returns
    -------
    float
        Degree in (0, 1].

    Raises
    ------
    DataError
        If a value is missing or infinite.
    DomainError
        If lengths differ, there are fewer than two points, or `step` is not positive.

    See Also
    --------
    similitude_degree : The same after both were moved to start at zero.
    b_type_degree : Distances without sign, so that nothing cancels.

    Notes
    -----
    :math:`\rho = 1 / (1 + |S_0 - S_1|)` with :math:`S = h (\tfrac12 x(1) + \sum_{k=2}^{n-1} x(k) + \tfrac12 x(n))`
    (Liu, Xie and Forrest 2011 [1]_). Symmetric. Unchanged when the *same* sequence is added to both, not when one
    is shifted or both are rescaled. Blind to areas that cancel: a sequence that runs above the reference as
    much as below it has the degree 1, which was noted as a flaw in *Mathematical Problems in Engineering* 2014,
    910248. Cost: :math:`O(n)`.

    References
    ----------
    .. [1] Liu, S., Xie, N. and Forrest, J. (2011). Novel models of grey relational analysis based on visual angle
       of similarity and nearness. *Grey Systems: Theory and Application*, 1(1), 8-18.

    Examples
    --------
    >>> from custvalue import grey
    >>> grey.nearness_degree([1.0, 2.0, 3.0], [2.0, 3.0, 4.0])  # an area of 2 lies between them
    0.3333333333333333
    >>> grey.nearness_degree([1.0, 2.0, 3.0], [3.0, 2.0, 1.0])  # the flaw: the areas cancel
    1.0
    """
    return single(sequence, reference, "nearness", step)


def slope_degree(sequence: ArrayLike, reference: ArrayLike) -> float:
    r"""Compute the improved slope degree of grey incidence (改进的灰色斜率关联度) of a sequence to a reference.

    It compares the two sequences' rates of change step by step, each relative to the sequence's mean.

    Parameters
    ----------
    sequence : array_like of shape (n_points,)
        The sequence that is compared, at least two points at equal distances of time, its mean not zero.
    reference : array_like of shape (n_points,)
        The reference, at the same times, its mean not zero; the unit may differ.

    Returns
    -------
    float
        Degree in (0, 1].

    Raises
    ------
    DataError
        If a value is missing or infinite.
    DomainError
        If a mean is zero, lengths differ, or there are fewer than two points.

    See Also
    --------
    relative_degree : Change since the start, relative to the first value.

    Notes
    -----
    With :math:`u_k = (x_0(k+1) - x_0(k)) / \bar x_0` and :math:`v_k` the same for the sequence (Dang 2004 [1]_),

    .. math:: \varepsilon = \frac{1}{n-1} \sum_{k=1}^{n-1} \frac{1 + |u_k|}{1 + |u_k| + |u_k - v_k|}.

    **Not symmetric**: the reference's slopes set the measure. Unchanged when either sequence is multiplied by a
    number other than zero, not when it is shifted. The step is the unit of time. Blind to the order of the steps,
    and without meaning where a mean lies near zero, as that of changes does. Cost: :math:`O(n)`.

    References
    ----------
    .. [1] Dang, Y. et al. (2004). Improvement on degree of grey slope incidence. *Engineering Science*, 6(3),
       41-44 (灰色斜率关联度的改进).

    Examples
    --------
    >>> from custvalue import grey
    >>> grey.slope_degree([1.0, 1.0, 4.0], [1.0, 2.0, 3.0])  # slopes 0, 1.5 against 0.5, 0.5: (3/4 + 3/5) / 2
    0.675
    """
    return single(sequence, reference, "slope")


def b_type_degree(sequence: ArrayLike, reference: ArrayLike) -> float:
    r"""Compute the B-type degree of grey incidence (灰色B型关联度) of two sequences.

    It adds up how far apart values, velocities and accelerations lie.

    Parameters
    ----------
    sequence : array_like of shape (n_points,)
        One sequence, at least three points at equal distances of time.
    reference : array_like of shape (n_points,)
        The other, in the same unit and at the same times.

    Returns
    -------
    float
        Degree in (0, 1]; 1 only for equal sequences.

    Raises
    ------
    DataError
        If a value is missing or infinite.
    DomainError
        If lengths differ, or there are fewer than three points.

    See Also
    --------
    nearness_degree : Nearness by signed areas, which may cancel.

    Notes
    -----
    With :math:`d(k) = x_0(k) - x_1(k)` (Wang 1989 [1]_),

    .. math::
       B = \Bigl(1 + \frac1n \sum_{k=1}^{n} |d(k)| + \frac{1}{n-1} \sum_{k=1}^{n-1} |d(k+1) - d(k)|
           + \frac{1}{n-2} \sum_{k=2}^{n-1} \tfrac12 |d(k+1) - 2 d(k) + d(k-1)|\Bigr)^{-1}.

    Symmetric. Unchanged when the *same* sequence is added to both, not when one is shifted or both are rescaled.
    Nothing cancels; but its three sums have three units (value, value a step, value a step squared) that the
    formula adds as if they were alike, so it depends on the unit of the values and on the length of the step.
    Cost: :math:`O(n)`.

    References
    ----------
    .. [1] Wang, Q. (1989). The grey B-type relational analysis (灰色B型关联分析). *Journal of Huazhong
       University of Science and Technology*, 17(6), 77-82.

    Examples
    --------
    >>> from custvalue import grey
    >>> grey.b_type_degree([1.0, 2.0, 4.0], [1.0, 1.0, 2.0])  # 1 / (1 + 3/3 + 2/2 + 0)
    0.3333333333333333
    """
    return single(sequence, reference, "b_type")
