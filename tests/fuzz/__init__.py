"""The fuzzer: a running server against docs/openapi.yaml."""
