"""What a model is: architectures, the bundle on disk, training, the predictor, heat maps.

Nothing here imports TensorFlow at import time; functions that need it do.
"""

import os

# TensorFlow's start-up chatter would end up among the one-line errors that the command line promises on stderr.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
