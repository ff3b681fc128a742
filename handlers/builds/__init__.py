"""Where jobs are built: one port, and an adapter for a laptop and one for AWS CodeBuild."""
