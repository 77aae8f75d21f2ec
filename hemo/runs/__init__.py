"""What a training run is: its folder, events and process; start, stop, pause, resume, queue, and its bundle."""
