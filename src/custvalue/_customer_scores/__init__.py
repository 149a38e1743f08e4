"""Private inside of custvalue.rfm: scores, cells, segments, concentration and drift."""
