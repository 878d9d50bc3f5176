"""The runs that are struck: small, and slow enough to be met in the middle of their work."""

STEPS = 2
RUN = (
    "retrain",
    "learner=reinforce",
    "llm=simulated",
    "benchmark.size=20",
    f"training.steps={STEPS}",
    "training.problems_per_step=3",
    "training.rollouts_per_problem=2",
    "evaluation.problems=4",
    "evaluation.baselines=[cot5_sc]",
    # Answers take their time, so that work is in flight when a kill comes.
    "llm.simulated.time_scale=0.08",
)
RUN_EMBEDDED = (
    "retrain",
    "learner=reinforce",
    "llm=embedded",
    "benchmark.size=12",
    f"training.steps={STEPS}",
    "training.problems_per_step=2",
    "training.rollouts_per_problem=2",
    "evaluation.problems=2",
    "evaluation.baselines=[]",
    "controller.layers=1",
    "operators.enabled=[Generate,GenerateCoT]",
    "operators.max_tokens=16",
    "llm.embedded.slots=2",
    "llm.embedded.context_per_slot=512",
)
"""Its answers depend on which of them were generated together: no two runs are alike."""
