"""The settings of a stage of API Gateway, and of its functions, that `chalice deploy` does not make."""
