"""`python -m localcloud`: a cloud on this machine."""

from localcloud.cli import main

if __name__ == "__main__":
    main()
