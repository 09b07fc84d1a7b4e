"""ResNet50 without ImageNet weights, from scratch under our own teacher: small and easy first.

Sizes and changes to the images grow from step to step (progressive learning, Tan and Le 2021,
arXiv 2104.00298). With 64 px and all the changes of `se_resnet/2-noise` from the start, ResNet50
was still at chance after three epochs.
"""

from typing import Final

from training.recipes.base import Recipe, steps

_SCRATCH: Final = "ResNet50, from scratch for want of ImageNet weights,"

RECIPES: Final[dict[str, Recipe]] = steps(
    "resnet50",
    {
        "1-small-faces": {
            "adds": "Small, hardly changed faces, under our own network as the teacher.",
            "title": f"{_SCRATCH} taught by our own network",
            "architecture": "transfer",
            "architecture_options": {
                "backbone": "resnet50",  # without pretrained weights, because none could be had
                "side_px": 48,  # FER-2013's own size, the cheapest
                "head_units": 256,  # dense layer between the averaged features and the logits
                "dropout": 0.2,  # before the last layer
            },
            "augment_options": {
                "rotation_deg": 5.0,
                "scale": 0.05,
                "shift": 0.04,
                "brightness": 0.05,
                "contrast": 0.1,
                "erase_share": 0.0,
            },
            "epochs": 10,  # one cosine from the warm-up's end to zero
            "teachers": ("se_resnet/2-noise",),  # its answer to the same augmented face
            "teacher_share": 0.7,  # of the loss; the labels have the rest
            "teacher_temperature": 2.0,  # softens both sides
            "batch_size": 128,
            "learning_rate": 0.05,  # peak, of SGD with Nesterov momentum
            "warmup_steps": 200,
            "weight_decay": 5e-3,  # decoupled, scaled by the learning rate
            "label_smoothing": 0.1,
            "balance_power": 0.85,
            "average_momentum": 0.995,  # about the last epoch
        },
        # Between the first cosine's changes and those of the other recipes: after the first, it
        # was right as often on the images it had learnt from as on those of the validation split.
        "2-larger-faces": {
            "adds": "Larger faces, and stronger changes to them.",
            "title": f"{_SCRATCH} taught twice by our own network",
            "architecture_options": {
                "side_px": 64,  # its stem leaves 16x16 cells, its last stage 2x2
                "dropout": 0.3,
            },
            "augment_options": {
                "rotation_deg": 10.0,
                "scale": 0.1,
                "shift": 0.08,
                "brightness": 0.1,
                "contrast": 0.15,
                "erase_px": (8, 20),
                "erase_share": 0.15,
            },
            "epochs": 15,
            "average_momentum": 0.998,  # about the last two epochs
            "seed": 1,  # other batches than before, as in each step
        },
        # It was right in two points more of what it had learnt from than of the validation split.
        "3-stronger-changes": {
            "adds": "Changes to the faces nearly as strong as our own network's.",
            "title": f"{_SCRATCH} taught three times by our own network",
            "architecture_options": {"dropout": 0.4},
            "augment_options": {
                "rotation_deg": 12.0,
                "scale": 0.12,
                "shift": 0.1,
                "brightness": 0.15,
                "contrast": 0.2,
                "erase_share": 0.3,
            },
            "epochs": 17,
            "seed": 2,
        },
        "4-largest-faces": {
            "adds": "Faces half as large again: its last stage sees 3x3 cells instead of 2x2.",
            "title": f"{_SCRATCH} on larger and larger faces under our own network",
            "architecture_options": {"side_px": 96},  # nearly twice as slow
            "epochs": 10,
            "learning_rate": 0.04,  # a lower peak, for a shorter cosine
            "seed": 3,
        },
        "5-two-teachers": {
            "adds": "A last, low cosine under both of our networks, which are better together.",
            "teachers": ("se_resnet/2-noise", "se_resnet/1-scratch"),  # the mean of what they say
            "epochs": 5,
            "learning_rate": 0.02,  # half of the last peak: nothing is to be unlearnt
            "seed": 4,
        },
    },
)
