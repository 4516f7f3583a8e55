"""What the facts say about execution quality: measures of one order, and how they are shown."""
