"""Inside of :mod:`custvalue.anp`: judgments, supermatrices, the network and its solution."""
