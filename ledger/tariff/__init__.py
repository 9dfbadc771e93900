"""OCPI tariffs and the pricer: pure functions from readings and a tariff to a priced report."""
