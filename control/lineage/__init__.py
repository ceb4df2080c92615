"""Column lineage: from the source database's column to the column of a gold table."""
