"""Caption decoders: from an embedding to a sentence, through a language model that reads it as a prefix."""

from gapkit.captioning.decoders.base import CaptionDecoder
from gapkit.captioning.decoders.registry import decoder_names, load_decoder, make_decoder, register_decoder
from gapkit.training.processes import process_rank

__all__ = ["CaptionDecoder", "decoder_names", "load_decoder", "make_decoder", "process_rank", "register_decoder"]
