"""Means and standard deviations of colours that published networks were trained with: RGB in [0, 1]."""

from __future__ import annotations

KINETICS_MEAN = (0.43216, 0.394666, 0.37645)  # torchvision's video reference transforms
KINETICS_STD = (0.22803, 0.22145, 0.216989)
IMAGENET_MEAN = (0.485, 0.456, 0.406)  # torchvision's image classification transforms
IMAGENET_STD = (0.229, 0.224, 0.225)
SLOWFAST_MEAN = (0.45, 0.45, 0.45)  # SlowFast's and PyTorchVideo's
SLOWFAST_STD = (0.225, 0.225, 0.225)
