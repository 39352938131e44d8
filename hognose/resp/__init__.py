"""RESP, the wire format of Redis, without any I/O: requests in, replies out."""
