"""The command line: the same services and core for scripts, batches and evaluation."""
