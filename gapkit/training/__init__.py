"""The training loop of every network in gapkit: those of the bridges and those of the caption decoders."""
