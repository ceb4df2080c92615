"""Fault injection, off by default: it shows how a client behaves when the cloud fails."""
