"""Who is on call: rotas, overrides, opening hours with holidays, and the calendar feed."""
