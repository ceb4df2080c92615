"""What a metadata catalog (OpenMetadata) should hold about the lakehouse, and how it is published."""
