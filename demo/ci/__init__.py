"""The second story: a CI scheduler, from signed pushes to commit statuses, with builds that really build."""
