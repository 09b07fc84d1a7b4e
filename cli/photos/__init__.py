"""Commands that look at pictures: analyze, batch."""
