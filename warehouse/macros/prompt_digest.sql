-- What tells two prompts apart, as lamas.domain.prompt_digest does; `messages` is a list of structs.
CREATE OR REPLACE MACRO prompt_digest(messages) AS
sha256(
    list_aggregate(
        list_transform(messages, lambda message: message.role || chr(31) || message.content),
        'string_agg',
        chr(30)
    )
);
