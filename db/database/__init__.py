"""The connection and the schema."""
