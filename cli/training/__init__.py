"""Commands that train and study; they load Keras only when they run."""
