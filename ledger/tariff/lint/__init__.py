"""Findings in a tariff: what never applies, what is missing, what cannot be shown or billed as it stands."""
