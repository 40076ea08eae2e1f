"""An optimizer that lets some weights learn at a slower pace than the others."""

import keras


class PacedAdamW(keras.optimizers.AdamW):
    """AdamW; a variable with an attribute `pace` learns at that share of the learning rate.

    For adversaries of which one must not outrun the other.

    Reference: Heusel et al. 2017, "GANs Trained by a Two Time-Scale Update Rule" (arXiv:1706.08500).
    """

    def build(self, variables):
        self.paces = [getattr(variable, "pace", 1.0) for variable in variables]
        super().build(variables)

    def update_step(self, gradient, variable, learning_rate):
        pace = self.paces[self._get_variable_index(variable)]
        super().update_step(gradient, variable, learning_rate * pace)
