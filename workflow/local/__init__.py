"""The embedded cloud: start it, deploy the same template to it, pump its streams, follow it."""
