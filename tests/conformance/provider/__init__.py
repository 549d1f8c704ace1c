"""What every call of every vendor must come to, over a real connection."""
