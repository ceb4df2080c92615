"""IAM: who sends a request, which rights it needs, and whether policies allow it."""
