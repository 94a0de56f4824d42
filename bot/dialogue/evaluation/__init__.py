"""How well the dialogue understands questions that it was not trained on: measures, report, floors."""
