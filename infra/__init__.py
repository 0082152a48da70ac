"""The tools around the deployed function: templates, provisioning, the local run, the `gatehouse` command."""
