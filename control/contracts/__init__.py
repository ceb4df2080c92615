"""The data contracts: reading them, checking them, and rendering what follows from them."""
