"""How long a test waits for what must come: a busy machine is to give slow tests, not red ones."""

# Some fifty times what the slowest step takes on an idle machine. Nothing waits so long but where something is broken.
WAIT_S = 300
