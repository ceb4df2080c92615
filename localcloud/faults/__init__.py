"""Faults on purpose, off unless a file asks for them: how a client behaves when the cloud does not."""
