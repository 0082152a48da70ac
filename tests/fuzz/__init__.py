"""The fuzzer: a running server against docs/use/openapi.yaml."""
