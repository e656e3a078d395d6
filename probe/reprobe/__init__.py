"""The chain of an endpoint, fetched by connecting to it: evidence `reprobed`. Never without being asked."""
