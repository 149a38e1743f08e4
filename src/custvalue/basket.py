"""Basket analysis: which products belong together, what to offer next, and which new product replaces which old.

Customers are collapsed to distinct baskets with the number of customers behind each, since a bank has few products
and very many customers. Itemsets, pairs and rules are counted on these, exactly. Every rule comes with its
intervals, a test that is adjusted for all the rules that were looked at, and a flag that says whether it is better
than its simpler forms. Products replaced by others are found from the dates of holdings, against what chance and
customers who stayed would show.
"""

from __future__ import annotations

from custvalue._holdings.baskets import Baskets
from custvalue._holdings.catalog import Product, ProductCatalog

__all__ = [
    "Baskets",
    "Product",
    "ProductCatalog",
]
