"""hybridcode: the frontier model decides, the local model writes, and nothing happens unapproved."""
