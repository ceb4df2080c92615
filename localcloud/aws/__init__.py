"""The AWS part: moto behind one endpoint, with fixes for what it gets wrong."""
