"""Batch normalisation in one kernel, for training on a CPU.

Keras 3 normalises a batch by its moments, a multiplication and an addition, each a pass over the map and each with a
gradient of its own; TensorFlow has one kernel for all of it and one for its gradient. The numbers are the same to float
rounding. For training only: a bundle must load without code of ours, so weights go back into the plain network.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


def with_fused_normalisation(model: "keras.Model") -> "keras.Model":
    """A copy of a functional network whose batch normalisations are fused; weights and what is trainable are kept.

    Args:
        model: not compiled, channels last, its batch normalisations over maps (N, H, W, C).

    Returns:
        The copy on TensorFlow, with weights in the model's own order; the model itself on another engine.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        return model
    fused = _fused_layer()

    def copied(layer: Any) -> Any:
        made = fused if type(layer) is keras.layers.BatchNormalization else type(layer)
        return made.from_config(layer.get_config())

    copy = keras.models.clone_model(model, clone_function=copied)
    copy.set_weights(model.get_weights())
    return copy


def _fused_layer() -> Any:
    import keras
    import tensorflow as tf

    class FusedBatchNormalization(keras.layers.BatchNormalization):
        """Like its base, but the training branch is `tf.compat.v1.nn.fused_batch_norm`."""

        def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
            if not (training and self.trainable):
                return super().call(inputs, training=training, mask=mask)
            normalised, mean, variance = tf.compat.v1.nn.fused_batch_norm(
                inputs,
                tf.convert_to_tensor(self.gamma),
                tf.convert_to_tensor(self.beta),
                epsilon=self.epsilon,
                is_training=True,
            )
            # The kernel gives the variance of a sample, n / (n - 1) times what Keras keeps.
            count = tf.cast(tf.size(inputs), inputs.dtype) / inputs.shape[-1]
            variance *= (count - 1.0) / count
            self.moving_mean.assign(self.moving_mean * self.momentum + mean * (1.0 - self.momentum))
            self.moving_variance.assign(self.moving_variance * self.momentum + variance * (1.0 - self.momentum))
            return normalised

    return FusedBatchNormalization
