"""What a person may ask for: consent, receipt, export, erasure."""
