"""The optimizer: some weights may learn at a slower pace than others, and averages forget how the weights began."""

import keras
from keras import ops


class PacedAdamW(keras.optimizers.AdamW):
    """AdamW; a variable with an attribute `pace` learns at that share of the learning rate, but decays at the whole.

    For adversaries of which one must not outrun the other (Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update
    Rule", arXiv:1706.08500). Averages of the weights are over the last tenth of the steps at first, so that the weights
    as they were drawn do not show for epochs.
    """

    def build(self, variables):
        self.paces = [getattr(variable, "pace", 1.0) for variable in variables]
        super().build(variables)

    def _apply_weight_decay(self, variables):
        if self.weight_decay:  # else Keras takes a share of zero from every weight, which costs time
            super()._apply_weight_decay(variables)

    def update_step(self, gradient, variable, learning_rate):
        pace = self.paces[self._get_variable_index(variable)]
        super().update_step(gradient, variable, learning_rate * pace)

    def _update_model_variables_moving_average(self, trainable_variables):
        usual, step = self.ema_momentum, ops.cast(self.iterations, "float32")
        self.ema_momentum = ops.minimum(usual, (1 + step) / (10 + step))
        super()._update_model_variables_moving_average(trainable_variables)
        self.ema_momentum = usual
