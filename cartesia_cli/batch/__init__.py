"""Many jobs over one engine: done in parallel, told in order, none lost to another's failure."""
