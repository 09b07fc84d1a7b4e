"""Studies of groups and conditions behind `mien bias`; needs no Keras."""
