"""The verdict on a study: is there a gap, does a bridge help and for what, which one to take, what not to believe."""
