"""Who may sign in to the console, how they prove it, and what each role may do."""
