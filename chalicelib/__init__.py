"""The deployed code of Gatehouse; docs/adr/0002 draws its layers."""
