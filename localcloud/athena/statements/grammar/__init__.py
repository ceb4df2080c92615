"""The grammar of statements other than queries, by their first word."""
