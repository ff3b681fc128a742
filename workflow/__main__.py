"""`python -m workflow`: the same as the command `workflow`."""

from workflow.cli.main import main

if __name__ == "__main__":
    main()
