"""The version of the package, for whoever has to name it."""

VERSION = "0.1.0"
