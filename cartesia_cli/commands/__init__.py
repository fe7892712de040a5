"""One module for each subcommand: read options, call the core, show the result."""
