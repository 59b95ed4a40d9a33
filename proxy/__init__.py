"""Muster, a reverse-proxy authentication sidecar.

Read `docs/request.md` first: it follows one request from socket to socket and names the files it meets.
"""
