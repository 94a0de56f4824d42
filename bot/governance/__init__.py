"""Who approved which words, when, and with which changes of the clinic's own."""
