"""What a training run is: its folder, its events, its process; start, stop, pause, resume, queue, and the way to a bundle."""
