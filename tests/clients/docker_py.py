"""Evaluates each line of standard input, with a new docker-py client as `c`, and prints what came.

A name that a line binds with `:=` is there for the lines after it.
"""

import sys

import docker

names = {"docker": docker}
for line in sys.stdin:
    names["c"] = docker.Client(base_url=sys.argv[1], version="1.21", timeout=60)
    try:
        told = repr(eval(line, names))
    except Exception as error:
        told = "{}: {}".format(type(error).__name__, error)
    print(told.replace("\n", " "), flush=True)
