"""What is measured about models: accuracy, curves, robustness, data sets."""
