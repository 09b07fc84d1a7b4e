"""What the law and the operator set: notices, retention."""
