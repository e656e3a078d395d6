"""The central side of Transitproof: takes the findings of every probe in, keeps them and shows them."""
