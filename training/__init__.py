"""Training with Keras 3, run by hand or by the command line; never imported by the app."""
