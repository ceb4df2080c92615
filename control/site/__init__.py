"""The static site: what each table means, where its columns come from, and whether to trust it now."""
