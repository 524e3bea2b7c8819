"""What people prove who they are with, and how they change it."""
