"""One-time links: a patient opens a page of their own without an account."""
