"""What a CT slice and a study are: reading, Hounsfield units, windows, the head in the picture."""
