"""ResNet50 without ImageNet weights, from scratch under our own teacher: the last of the three."""

from training.recipe import Recipe

RECIPE = Recipe(
    name="resnet50",
    title="ResNet50, from scratch, taught by our residual squeeze-excite network",
    architecture="transfer",
    architecture_options={
        "backbone": "resnet50",  # without pretrained weights, because none could be had
        "side_px": 64,  # enlarged: its stem leaves 16x16 cells, its last stage 2x2
        "head_units": 256,  # dense layer between the averaged features and the logits
        "dropout": 0.5,  # before the last layer
    },
    augment_options={
        "rotation_deg": 15.0,
        "scale": 0.15,
        "shift": 0.12,
        "brightness": 0.2,
        "contrast": 0.2,
        "erase_px": (8, 20),
        "erase_share": 0.5,
        "blur_px": 2.0,
        "blur_share": 0.3,
        "noise": 25.0,
        "noise_share": 0.4,
    },
    epochs=28,  # one cosine from the warm-up's end to zero
    teachers=("se_resnet_long",),  # its answer to the same augmented face
    teacher_share=0.7,  # of the loss; the labels have the rest
    teacher_temperature=2.0,  # softens both sides
    batch_size=128,
    learning_rate=0.05,  # peak, of SGD with Nesterov momentum
    warmup_steps=500,
    weight_decay=5e-3,  # decoupled, scaled by the learning rate
    momentum=0.9,
    label_smoothing=0.1,
    balance_power=0.85,
    average_momentum=0.998,  # about the last two epochs
    drop_blank=True,
    precision="mixed_bfloat16",
    seed=0,
)
