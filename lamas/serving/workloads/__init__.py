"""Where simulated workflows come from: recorded answers, published traces, stored rollouts."""
