"""What a client is told when its request is not answered: OpenAI's error form."""

from collections.abc import Mapping

from lamas.errors import GatewayError


class RefusedError(GatewayError):
    """A request that is refused, with what the client needs to mend it or to come again."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "invalid_request_error",
        parameter: str | None = None,
        code: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        """`kind`, `parameter` and `code` are OpenAI's `type`, `param` and `code`."""
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.parameter = parameter
        self.code = code
        self.retry_after_seconds = retry_after_seconds

    def body(self) -> dict[str, object]:
        """The JSON of the answer."""
        return error_body(str(self), kind=self.kind, parameter=self.parameter, code=self.code)

    def headers(self) -> Mapping[str, str]:
        """Headers beside the body's."""
        headers: dict[str, str] = {}
        if self.retry_after_seconds is not None:
            # Whole seconds are all that the header can say.
            headers["retry-after"] = str(max(1, round(self.retry_after_seconds + 0.499)))
        if self.status == 401:
            headers["www-authenticate"] = "Bearer"
        return headers


def error_body(
    message: str, *, kind: str, parameter: str | None = None, code: str | None = None
) -> dict[str, object]:
    """OpenAI's error object."""
    return {"error": {"message": message, "type": kind, "param": parameter, "code": code}}
