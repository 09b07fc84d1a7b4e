"""ResNet50 without ImageNet weights, from scratch under our own teacher: small and easy first.

Sizes and changes to the images grow from this recipe to `resnet50_long` (progressive learning,
Tan and Le 2021, arXiv 2104.00298). With 64 px and all the changes of `se_resnet_long` from the
start, ResNet50 was still at chance after three epochs.
"""

from training.recipes.catalogue import Recipe

RECIPE = Recipe(
    name="resnet50",
    title="ResNet50, from scratch for want of ImageNet weights, taught by our own network",
    architecture="transfer",
    architecture_options={
        "backbone": "resnet50",  # without pretrained weights, because none could be had
        "side_px": 48,  # FER-2013's own size, the cheapest
        "head_units": 256,  # dense layer between the averaged features and the logits
        "dropout": 0.2,  # before the last layer
    },
    augment_options={
        "rotation_deg": 5.0,
        "scale": 0.05,
        "shift": 0.04,
        "brightness": 0.05,
        "contrast": 0.1,
        "erase_share": 0.0,
    },
    epochs=10,  # one cosine from the warm-up's end to zero
    teachers=("se_resnet_long",),  # its answer to the same augmented face
    teacher_share=0.7,  # of the loss; the labels have the rest
    teacher_temperature=2.0,  # softens both sides
    batch_size=128,
    learning_rate=0.05,  # peak, of SGD with Nesterov momentum
    warmup_steps=200,
    weight_decay=5e-3,  # decoupled, scaled by the learning rate
    momentum=0.9,
    label_smoothing=0.1,
    balance_power=0.85,
    average_momentum=0.995,  # about the last epoch
    drop_blank=True,
    precision="mixed_bfloat16",
    seed=0,
)
