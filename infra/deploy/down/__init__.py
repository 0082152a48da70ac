"""Take a stage down: find all that bears its name or its tag, and delete that."""
