"""The deployed controller: promotion by rule or by hand, drift, loading it to answer."""
