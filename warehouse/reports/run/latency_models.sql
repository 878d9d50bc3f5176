-- What do calls of the run take? Each latency model fitted on it, and how it does beside CP_len.
SELECT
    models.latency_model_id,
    models.request_model,
    models.first_token_seconds,
    models.first_token_seconds_per_input_token,
    models.first_token_seconds_per_load,
    models.seconds_per_output_token,
    models.seconds_per_output_token_per_load,
    models.reference_load,
    models.calls,
    models.streamed_calls,
    models.rollouts,
    recomputed.held_out_rollouts,
    recomputed.median_absolute_percentage_error,
    recomputed.r_squared,
    recomputed.pearson,
    recomputed.spearman,
    recomputed.proxy_median_absolute_percentage_error,
    recomputed.proxy_r_squared,
    recomputed.proxy_pearson,
    recomputed.proxy_spearman
FROM latency_models AS models
INNER JOIN latency_model_recomputed AS recomputed USING (latency_model_id)
WHERE models.run_id = getvariable('run_id')
ORDER BY models.fitted_at, models.latency_model_id;
