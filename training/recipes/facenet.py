"""Inception-ResNet v1 with FaceNet's weights: a backbone that has seen millions of faces."""

from typing import Final

from training.recipes.base import USUAL_CHANGES, Recipe, steps

PRETRAINING: Final = (
    "The backbone began from FaceNet's public weights (MIT), which had learnt to tell "
    "people apart from MS-Celeb-1M: pictures of public figures, collected from the web without "
    "asking them and withdrawn by its makers in 2019."
)

RECIPES: Final[dict[str, Recipe]] = steps(
    "facenet",
    {
        "1-finetuned": {
            "adds": "Expressions, to weights that tell people apart; taught by our own network.",
            "title": "Inception-ResNet v1, pretrained to tell faces apart, fine-tuned",
            "architecture": "transfer",
            "architecture_options": {
                "backbone": "inception_resnet_v1",
                "side_px": 108,  # 107 leaves 2x2 cells; it knows 160, twice as slow
                "head_units": 256,  # dense layer between the averaged features and the logits
                "dropout": 0.5,  # before the last layer
            },
            "backbone_weights": "facenet_keras.h5",
            "pretraining": PRETRAINING,
            "augment_options": {
                **USUAL_CHANGES,
                "erase_share": 0.3,
                "blur_px": 2.0,  # as for the network that teaches it
                "blur_share": 0.15,
                "noise": 25.0,
                "noise_share": 0.2,
            },
            "epochs": 9,  # one cosine from the warm-up's end to zero
            "teachers": ("se_resnet/2-noise",),  # its answer to the same augmented face
            "teacher_share": 0.4,  # of the loss; the labels have the rest
            "teacher_temperature": 2.0,  # softens both sides
            "batch_size": 64,
            "learning_rate": 0.02,  # peak
            "warmup_steps": 400,
            "weight_decay": 5e-3,  # decoupled, scaled by the learning rate
            "label_smoothing": 0.1,
            "balance_power": 0.85,
            "average_momentum": 0.998,  # about one epoch of steps
        },
    },
)
