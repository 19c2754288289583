"""Tables: from a file to a checked frame to labelled arrays."""
