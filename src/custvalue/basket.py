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
from custvalue._product_network.bundles import Bundles, bundles
from custvalue._product_network.covering import BundleCover, greedy_cover
from custvalue._product_network.network import network
from custvalue._product_network.product_network import ProductNetwork
from custvalue._product_network.recommender import AssociationRecommender
from custvalue._product_network.whitespace import whitespace
from custvalue._product_rules.found_rules import Rules
from custvalue._product_rules.itemset_table import Itemsets
from custvalue._product_rules.itemsets import itemsets
from custvalue._product_rules.measures import interest_measure, interest_measures
from custvalue._product_rules.pairs import Pairs, pairs
from custvalue._product_rules.rules import rules
from custvalue._product_rules.segment_check import SegmentCheck
from custvalue._product_rules.templates import RuleTemplate
from custvalue._product_rules.validation import RuleValidation
from custvalue._substitution.finding import substitution, substitution_between
from custvalue._substitution.propensity import SubstitutionPropensity
from custvalue._substitution.result import Substitution
from custvalue._substitution.targets import TargetList

__all__ = [
    "AssociationRecommender",
    "Baskets",
    "BundleCover",
    "Bundles",
    "Itemsets",
    "Pairs",
    "Product",
    "ProductCatalog",
    "ProductNetwork",
    "RuleTemplate",
    "RuleValidation",
    "Rules",
    "SegmentCheck",
    "Substitution",
    "SubstitutionPropensity",
    "TargetList",
    "bundles",
    "greedy_cover",
    "interest_measure",
    "interest_measures",
    "itemsets",
    "network",
    "pairs",
    "rules",
    "substitution",
    "substitution_between",
    "whitespace",
]
