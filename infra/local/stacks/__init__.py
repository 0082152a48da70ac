"""Teach moto's CloudFormation the parts of a stage's stacks that it leaves out. Each module does so by its import."""
