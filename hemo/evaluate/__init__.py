"""What a claim is: metrics with intervals, calibration, operating points, leak and shortcut checks, localisation."""
