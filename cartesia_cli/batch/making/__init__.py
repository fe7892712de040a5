"""Where the files of a job are made: in threads over one engine, or in child processes."""
