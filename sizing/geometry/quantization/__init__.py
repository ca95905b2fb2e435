"""One file a family of packings: the bytes of each tensor as the quantising tool lays it out."""
