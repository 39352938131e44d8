"""The same commands to hognose and to a real server, and their replies compared byte for byte.

No expected value is written down anywhere: the real server is the expectation. The commands come from the command
table's own syntax (`generate`), the bytes of the replies from a reader that interprets nothing (`wire`); `compare`
sends them in rounds that each start from empty databases, confirms a difference by doing it again and cuts the round
down to the few commands that show it. What may differ stands in one place, `departures`: replies that chance or the
clock decide are compared by named rules, and what is meant to be different is listed by name with its reason.

    python -m compat.differential --commands 20000 --groups string,generic --resp 3 --server redis-7.0
"""
