"""The command line as ``python -m neurosieve``, where the command itself is not on the path."""

from neurosieve.cli.main import main

if __name__ == "__main__":
    main()
