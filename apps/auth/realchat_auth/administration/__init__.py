"""What administrators of the instance see and do."""
