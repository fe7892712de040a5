"""Work on a Dask cluster: what stays here, who takes part, and what is in each worker."""
