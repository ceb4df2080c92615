"""A cloud on this machine: one endpoint for AWS services and Athena. It knows nothing of what runs on it."""
