"""The catalogue of products: their names, families and margins."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Self

from pydantic import Field, model_validator

from custvalue import _frames
from custvalue._spec import Document, Items, Name, Spec

#: More products than this are no bank's; every product costs a column in some step.
MOST_PRODUCTS = 1_000_000


class Product(Spec):
    """One product: its name, the family it belongs to, and what a holder brings.

    Attributes
    ----------
    name : str
        The name, as the data hold it.
    family : str or None
        A coarser product that this one is a kind of, such as 'card' for 'card_gold'.
    margin : float or None
        What one holder brings to the bank in a year, in the bank's currency; may be below 0.

    Examples
    --------
    >>> from custvalue import basket
    >>> basket.Product(name="card_gold", family="card", margin=60.0)
    Product(name='card_gold', family='card', margin=60.0)
    """

    name: Name = Field(description="Name of the product, as the data hold it.")
    family: Name | None = Field(default=None, description="Coarser product that this one is a kind of.")
    margin: Annotated[float, Field(ge=-1e12, le=1e12)] | None = Field(
        default=None, description="Yearly margin of one holder, in the bank's currency."
    )


class ProductCatalog(Document):
    """The products of a bank in the order in which tables show them.

    Attributes
    ----------
    products : sequence of Product
        The products; each name once.
    spec_version : int
        Version of the document's layout.

    Raises
    ------
    pydantic.ValidationError
        If no product is given or a name stands twice.

    Examples
    --------
    >>> import pandas as pd
    >>> from custvalue import basket
    >>> table = pd.DataFrame({"product": ["gold", "junior", "loan"], "family": ["card", "card", None]})
    >>> catalog = basket.ProductCatalog.from_frame(table)
    >>> catalog.names
    ('gold', 'junior', 'loan')
    >>> catalog.family_of("gold")
    'card'
    """

    products: Items[Product] = Field(
        min_length=1, max_length=MOST_PRODUCTS, description="The products, each name once."
    )

    @model_validator(mode="after")
    def _names_once(self) -> Self:
        names = [product.name for product in self.products]
        doubled = sorted(name for name, times in Counter(names).items() if times > 1)
        if doubled:
            message = f"products: {', '.join(repr(name) for name in doubled[:5])} stand(s) twice; name each once"
            raise ValueError(message)
        return self

    @classmethod
    def from_frame(
        cls, frame: object, *, product: str = "product", family: str = "family", margin: str = "margin"
    ) -> ProductCatalog:
        """Read a catalogue from a table with one row a product.

        Parameters
        ----------
        frame : pandas, Polars or PyArrow frame
            One row a product.
        product : str, default="product"
            Column of the names.
        family, margin : str, default="family", "margin"
            Columns of families and margins; either may be absent, and a null means none.

        Returns
        -------
        ProductCatalog
            The catalogue, in the order of the rows.

        Raises
        ------
        ColumnError
            If the column of names is missing.
        pydantic.ValidationError
            If a name is null or stands twice, or a margin is no number.

        Examples
        --------
        >>> import pandas as pd
        >>> from custvalue import basket
        >>> basket.ProductCatalog.from_frame(pd.DataFrame({"product": ["a", "b"], "margin": [10.0, None]})).margins
        (10.0, None)
        """
        rows = _frames.records(frame, [product], [family, margin])
        found = [
            Product.model_validate(
                {
                    "name": str(row[product]) if row[product] is not None else None,
                    "family": None if row.get(family) is None else str(row[family]),
                    "margin": None if row.get(margin) is None else row[margin],
                }
            )
            for row in rows
        ]
        return cls(products=found)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the products, in order."""
        return tuple(product.name for product in self.products)

    @property
    def families(self) -> tuple[str | None, ...]:
        """Family of each product, None where it has none."""
        return tuple(product.family for product in self.products)

    @property
    def margins(self) -> tuple[float | None, ...]:
        """Margin of each product, None where it is not known."""
        return tuple(product.margin for product in self.products)

    def family_of(self, name: str) -> str | None:
        """Give the family of a product.

        Parameters
        ----------
        name : str
            Name of the product.

        Returns
        -------
        str or None
            Its family.

        Raises
        ------
        KeyError
            If the catalogue has no such product.

        Examples
        --------
        >>> from custvalue import basket
        >>> basket.ProductCatalog(products=[basket.Product(name="loan")]).family_of("loan") is None
        True
        """
        return {product.name: product.family for product in self.products}[name]
