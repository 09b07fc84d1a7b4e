"""Tables of the documents, made from measured files."""
