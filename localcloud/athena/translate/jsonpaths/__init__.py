"""SQL/JSON paths: `parser` parses them to `nodes`, `sequences` translates those to DuckDB SQL."""
