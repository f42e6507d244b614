"""Carries a program on a terminal of its own: carrier.py PROGRAM [WORD...]. Its name does not show that."""
import pty
import sys

pty.spawn(sys.argv[1:])
