"""A cloud on this machine: AWS services and Athena on one endpoint. It knows nothing about its users."""
