"""The central side: ingest, store, queries and web page. Comes with its own release; this package holds its name."""
