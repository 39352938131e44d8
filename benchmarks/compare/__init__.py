"""hognose and every real server found here, driven in turn by the same client on the same machine.

Absolute times say nothing on another machine, so every figure stands next to that of a real server from the same run.
Three sections, each a module that measures and knows nothing of printing:

    throughput  workloads by pipeline depth: requests per second, server CPU per command, latency percentiles
    memory      bytes per key
    pause       the longest time a PING waits while millions of keys are loaded

Around them: `workloads` is the table of what is sent, `connection` and `subscribers` prepare the servers,
`redis_benchmark` runs the client, `summary` reduces rounds to medians, `report` prints. Start with `__main__`.

Speed is server CPU time per command: with server and client pinned to one core each, throughput is often the client's,
while the CPU time that the kernel accounts to the server is the server's alone.
"""
