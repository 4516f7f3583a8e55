"""An order's story for people: on a terminal, and as a page with a picture."""
