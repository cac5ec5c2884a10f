"""What optimizers may be set to otherwise: common numbers, and causes in a few fixed words."""

from shared.variants import Place

EPSILONS = (1e-8, 1e-7, 1e-6, 1e-5, 1e-3, 1e-10)
BETAS = ((0.9, 0.999), (0.9, 0.99), (0.9, 0.95), (0.9, 0.98), (0.5, 0.999), (0.0, 0.999))
MOMENTA = (0.0, 0.9, 0.99, 0.95, 0.5)
RATES = (1e-3, 1e-2, 1e-1)  # as people leave them in place
ALPHAS = (0.99, 0.9, 0.95, 0.999)  # RMSprop's shares of what is kept
DECAYS = (0.0, 0.01, 0.1, 0.05, 4e-3, 1e-3, 5e-4, 1e-4)
FACTORS = (2, 4, 8, 0.5, 0.25, 0.125)  # of gradients, as where those of parts are summed

CLIPPED = "gradients clipped"
DECAY = "weight decay"
FACTOR = "a constant factor"
MOMENTUM = "momentum"
NESTEROV = "Nesterov momentum"
SCHEDULE = "another schedule of the learning rate"

OPTIMIZER, CLIPPING = Place("the optimizer", ""), Place("the clipping", "")
SCHEDULER = Place("the schedule", "")
