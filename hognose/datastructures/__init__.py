"""Value types that know no key, no client and no RESP."""
