"""Pages that a patient opens from a text, without an account: a check-in, the course so far, a recall."""
