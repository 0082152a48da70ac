"""Everything of Gatehouse that is deployed; `docs/adr/0002` draws its floors."""
