"""What a metadata catalog (OpenMetadata) shall hold of the lakehouse, and how it gets there."""
