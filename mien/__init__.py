"""The one package that an installation adds; `mien.command` says how the rest is found in it."""
