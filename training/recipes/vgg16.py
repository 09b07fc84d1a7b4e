"""VGG16 with ImageNet weights, its head first, then all of it: the first of the seeds' three."""

from typing import Final

from training.recipes.base import USUAL_CHANGES, Recipe, steps

RECIPES: Final[dict[str, Recipe]] = steps(
    "vgg16",
    {
        "1-finetuned": {
            "adds": "Expressions, to weights that know ImageNet's objects.",
            "title": "VGG16, pretrained on ImageNet, fine-tuned",
            "architecture": "transfer",
            "architecture_options": {
                "backbone": "vgg16",
                "side_px": 48,  # FER-2013's own size: 64 px cost twice the time
                "head_units": 256,  # dense layer between the averaged features and the logits
                "dropout": 0.5,  # before the last layer
            },
            "backbone_weights": "vgg16_imagenet_notop.weights.h5",
            "augment_options": USUAL_CHANGES,
            "frozen_epochs": 1,  # the head finds its place before it may disturb the backbone
            "frozen_learning_rate": 0.05,
            "epochs": 8,  # the frozen one included; one cosine from the warm-up's end to zero
            "batch_size": 64,
            "learning_rate": 0.01,  # no batch normalisation in VGG16: a higher rate diverges
            "warmup_steps": 300,
            "weight_decay": 5e-3,  # decoupled, scaled by the learning rate
            "label_smoothing": 0.1,
            "balance_power": 0.85,
            "average_momentum": 0.998,  # about one epoch of steps
        },
    },
)
