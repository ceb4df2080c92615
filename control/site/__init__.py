"""The static site: what every table means, where its columns come from, and whether it can be trusted now."""
