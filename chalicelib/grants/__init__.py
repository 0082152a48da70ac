"""One file per grant. A grant proves who is asking; it decides and issues nothing."""
