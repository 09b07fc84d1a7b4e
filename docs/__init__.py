"""What is written about Mien; `docs.tools` makes parts of it from measured files."""
