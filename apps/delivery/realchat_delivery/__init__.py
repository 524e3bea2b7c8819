"""Delivery: holds the sockets and fans the events of the logs out to them."""
