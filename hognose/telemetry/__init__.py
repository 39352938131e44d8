"""What the server records about its own work: durations, slow commands, latency spikes."""
