"""``python -m gscoordinator ARGS``: executes the native coordinator with the same arguments, process id and pipes."""

import os
import sys

from gscoordinator.binary import BinaryNotFound, find_binary


def main():
    try:
        binary = find_binary()
        os.execv(binary, [binary] + sys.argv[1:])
    except BinaryNotFound as error:
        sys.exit("gscoordinator: %s" % error)
    except OSError as error:
        sys.exit("gscoordinator: cannot start %s: %s" % (binary, error.strerror))


if __name__ == "__main__":
    main()
