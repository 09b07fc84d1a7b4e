"""The networks of our own: residual, squeeze-excite, trained from scratch on FER-2013."""

from typing import Final

from training.recipes.base import USUAL_CHANGES, Recipe, steps
from training.recipes.facenet import PRETRAINING

RECIPES: Final[dict[str, Recipe]] = steps(
    "se_resnet",
    {
        "1-scratch": {
            "adds": "FER-2013's labels, from random weights, in one long cosine.",
            "title": "Residual squeeze-excite network, trained from scratch",
            "architecture": "se_resnet",
            "architecture_options": {
                "widths": (32, 64, 128, 256),  # channels at 48, 24, 12 and 6 px
                # residual blocks at each; none at 48 px halves the time
                "depths": (0, 2, 3, 2),
                "dropout": 0.4,  # before the last layer
            },
            "augment_options": USUAL_CHANGES,
            "epochs": 44,  # one cosine from the warm-up's end to zero
            "batch_size": 128,
            "learning_rate": 0.05,  # peak, of SGD with Nesterov momentum
            "warmup_steps": 500,  # linear from 0
            "weight_decay": 5e-3,  # decoupled, scaled by the learning rate: 5e-4 of coupled SGD
            "label_smoothing": 0.1,  # people agree on about 65 %: certainty would be wrong
            "balance_power": 0.85,  # classes drawn by count ** 0.85: rare ones more often
            "average_momentum": 0.999,  # weight averaging a step, about the last four epochs
            "drop_blank": True,  # images without contrast teach nothing
            "precision": "mixed_bfloat16",  # twice as fast on processors with AVX-512 BF16
            "seed": 0,
        },
        # Warm restarts: Loshchilov 2017, arXiv 1608.03983.
        "2-noise": {
            "adds": "Blurred and noisy faces, in a second cosine.",
            "title": "Residual squeeze-excite network, from scratch, then on blurred and noisy "
            "faces too",
            "augment_options": {
                "blur_px": 2.0,  # of the 48: an unsharp photo, or a face of 12 px, enlarged
                "blur_share": 0.3,
                "noise": 25.0,  # grey levels: 8 left the first cosine 57 % right, 22 left 19 %
                "noise_share": 0.4,
            },
            "epochs": 20,
            "learning_rate": 0.03,  # far enough to leave the minimum, and to find back
            "warmup_steps": 200,
            "seed": 1,  # other batches than the first cosine's
        },
        "3-taught": {
            "adds": "What three networks say of the same faces: right more often than the labels.",
            "title": "Residual squeeze-excite network, from scratch, at last taught by "
            "an ensemble",
            "pretraining": "This network itself began from nothing; its teacher `facenet` did "
            f"not. {PRETRAINING}",
            "teachers": ("facenet/1-finetuned", "se_resnet/2-noise", "se_resnet/1-scratch"),
            "teacher_share": 0.8,  # of the loss: they are right more often than the noisy labels
            "teacher_temperature": 2.0,  # softens both sides
            "epochs": 8,
            "learning_rate": 0.02,  # below the last peak: nothing is to be unlearnt
            "seed": 2,
        },
        "4-fewer-teachers": {
            "adds": "A lowest cosine without the teacher that has never seen a noisy face: on "
            "corrupted images it is right more often than before, on clean ones as often.",
            "teachers": ("facenet/1-finetuned", "se_resnet/2-noise"),
            "epochs": 5,
            "learning_rate": 0.015,  # below the last peak again
            "average_momentum": 0.998,  # two epochs of steps: the run is short
            "seed": 3,
        },
        "5-people": {
            "adds": "A second head that learns how ten people voted for each face; it is the one "
            "that serves.",
            "title": "Residual squeeze-excite network, from scratch, with a head for what people "
            "say",
            "people_head": True,
            "people_power": 0.3,  # disgust is 2 % of the votes, fear 4 %
            "balance_power": 0.9,
            "teachers": (),
            "teacher_share": 0.0,
            "augment_options": {"shift": 0.08, "erase_share": 0.4},
            "epochs": 4,
            "n_per_epoch": 28_672,
            "learning_rate": 0.02,
            "warmup_steps": 100,
            "average_momentum": 0.998,
            "precision": "float32",
            "seed": 11,
        },
        "6-rare": {
            "adds": "A second cosine for both heads, in which faces that people call disgusted or "
            "afraid are drawn oftener still.",
            "people_power": 0.5,
            "epochs": 8,
            "seed": 21,
        },
        "6-photos": {
            "after": "5-people",
            "adds": "RAF-DB's photos for the people's head: real photos, labelled by forty people "
            "each, for research only.",
            "title": "Residual squeeze-excite network with a head for what people say, taught on "
            "photos too",
            "photo_set": "rafdb",
            "photo_share": 0.5,
            "epochs": 6,
            "seed": 12,
        },
        "7-photos": {
            "adds": "A second cosine with more of the photos and with rare expressions drawn "
            "oftener.",
            "people_power": 0.5,
            "photo_share": 0.7,
            "epochs": 8,
            "learning_rate": 0.03,
            "seed": 31,
        },
    },
)
