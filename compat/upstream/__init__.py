"""The official Tcl suite of Redis, run on hognose.

The suite is not part of this project and nothing of it is: the caller names a checkout or a source package
(`scripts/fetch-upstream-suite` gets Debian's). The suite starts a server as `src/redis-server`; here that is a script
that becomes the server under test, while redis-cli and redis-benchmark are the installed ones.

    python -m compat.upstream --suite ~/redis-7.2.6 unit/type/string unit/expire --jobs 2

`suite` lays out the folder a test file runs in, `run` runs one file in a network and process namespace of its own, so
that no server outlives it, `results` reads what it printed, `known` says which tests cannot pass and why.
"""
