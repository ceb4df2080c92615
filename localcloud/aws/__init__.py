"""The AWS part: moto behind one endpoint, with what it gets wrong mended."""
