"""How good triage is: measures on labelled messages that it was not made on, as a report."""
