"""The steps of `build_openclipart.py`: from a Debian package of drawings to image-text pairs."""
