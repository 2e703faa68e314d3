"""Offline forensic and replay analysis toolkit for canary deployments."""

__version__ = "0.1.0"
