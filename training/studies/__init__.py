"""Studies behind the report."""
