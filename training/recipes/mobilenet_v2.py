"""MobileNetV2 with ImageNet weights, its head first, then all of it: the second of the three."""

from typing import Final

from training.recipes.base import USUAL_CHANGES, Recipe, steps

RECIPES: Final[dict[str, Recipe]] = steps(
    "mobilenet_v2",
    {
        "1-finetuned": {
            "adds": "Expressions, to weights that know ImageNet's objects; taught by our own "
            "network.",
            "title": "MobileNetV2, pretrained on ImageNet, fine-tuned",
            "architecture": "transfer",
            "architecture_options": {
                "backbone": "mobilenet_v2",
                "side_px": 72,  # its strides leave 3x3 cells, as at 96 px, in half the time
                "head_units": 256,  # dense layer between the averaged features and the logits
                "dropout": 0.5,  # before the last layer
            },
            "backbone_weights": "mobilenet_v2_imagenet_notop.weights.h5",
            "augment_options": USUAL_CHANGES,
            "frozen_epochs": 1,  # the head finds its place before it may disturb the backbone
            "frozen_learning_rate": 0.05,
            "epochs": 13,  # the frozen one included; one cosine from the warm-up's end to zero
            "teachers": ("se_resnet/1-scratch",),  # its answer to the same augmented face
            "teacher_share": 0.6,  # of the loss; the labels have the rest
            "teacher_temperature": 2.0,  # softens both sides
            "batch_size": 64,
            "learning_rate": 0.03,  # peak
            "warmup_steps": 300,
            "weight_decay": 5e-3,  # decoupled, scaled by the learning rate
            "label_smoothing": 0.1,
            "balance_power": 0.85,
            "average_momentum": 0.998,  # about one epoch of steps
        },
        "2-lower-rate": {
            "adds": "A second, lower cosine from where the first one ended.",
            "title": "MobileNetV2, pretrained on ImageNet, fine-tuned in two cosines",
            "backbone_weights": None,  # they are in those that it starts from
            "frozen_epochs": 0,  # the head has found its place
            "epochs": 7,
            "learning_rate": 0.02,  # below the first peak
            "warmup_steps": 100,
            "seed": 1,  # other batches than the first cosine's
        },
    },
)
