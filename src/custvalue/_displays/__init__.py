"""The displays by subject; their public face is custvalue.plot."""
