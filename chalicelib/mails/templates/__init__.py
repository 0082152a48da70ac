"""The templates that ship: a text and an HTML file for each email, and the frame of all HTML."""
