"""The first model of our own: a residual squeeze-excite network, from scratch on FER-2013."""

from training.recipes.catalogue import Recipe

RECIPE = Recipe(
    name="se_resnet",
    title="Residual squeeze-excite network, trained from scratch",
    architecture="se_resnet",
    architecture_options={
        "widths": (32, 64, 128, 256),  # channels at 48, 24, 12 and 6 px
        "depths": (0, 2, 3, 2),  # residual blocks at each; at 48 px they cost half the time
        "dropout": 0.4,  # before the last layer
    },
    augment_options={
        "rotation_deg": 15.0,  # heads tilt
        "scale": 0.15,  # detectors cut wider or closer
        "shift": 0.12,  # and off centre
        "brightness": 0.2,
        "contrast": 0.2,
        "erase_px": (8, 20),  # hands, hair, glasses
        "erase_share": 0.5,
    },
    epochs=44,  # one cosine from the warm-up's end to zero
    batch_size=128,
    learning_rate=0.05,  # peak, of SGD with Nesterov momentum
    warmup_steps=500,  # linear from 0
    weight_decay=5e-3,  # decoupled and scaled by the learning rate: 5e-4 of coupled SGD
    momentum=0.9,
    label_smoothing=0.1,  # human agreement on FER-2013 is about 65 %: certainty would be wrong
    balance_power=0.85,  # classes drawn by count ** 0.85: rare ones more often than they occur
    average_momentum=0.999,  # weight averaging a step, about the last four epochs
    drop_blank=True,  # images without contrast teach nothing
    precision="mixed_bfloat16",  # about twice as fast on processors with AVX-512 BF16
    seed=0,
)
