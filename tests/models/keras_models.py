"""Models of Keras, as users have them."""

import keras


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = keras.layers.Dense(4, activation="relu")
        self.norm = keras.layers.BatchNormalization()
        self.out = keras.layers.Dense(3)

    def call(self, x, training=False):
        return self.out(self.norm(self.hidden(x), training=training))


ready = keras.Sequential(
    [
        keras.layers.Input((5,)),
        keras.layers.Dense(4),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(3, activation="softmax"),
    ]
)
tokens = keras.Sequential(
    [
        keras.layers.Input((4,), dtype="int64"),
        keras.layers.Embedding(7, 3),
        keras.layers.GlobalAveragePooling1D(),
        keras.layers.Dense(4),
    ]
)
