"""`python -m huitong.cli`: how the supervisor starts its children, whatever is on the PATH."""

from huitong.cli import main

if __name__ == "__main__":
    main()
