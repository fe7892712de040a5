"""The embedded engine, behind the extra ``local``. Nothing in it uses the network."""
