"""How a treatment went, day by day: what patients report, what staff rate, and what is known to be usual."""
