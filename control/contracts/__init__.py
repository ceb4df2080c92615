"""The data contracts: reading and checking them, and rendering files from them."""
