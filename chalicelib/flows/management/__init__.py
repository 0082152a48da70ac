"""The Management API: what backends read and change of people, by the audience ISSUERapi/v2/."""
