// Nothing to compile: the header is all there is.
