"""Training: reward, credit, baseline, the gradient step and checkpoints."""
