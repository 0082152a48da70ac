"""Let a function of the tests answer what the command invokes: moto alone runs functions in containers."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.awslambda.models import LambdaFunction

from infra.stage.aws import new_session


@contextmanager
def answering(name: str, answer: Callable[[Any], object]) -> Iterator[None]:
    """Make a function, as a deployment does, which answers events so until the block ends."""
    packed, unanswered = io.BytesIO(), LambdaFunction.invoke
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", "")
    iam, functions = (new_session().client(service) for service in ("iam", "lambda"))
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    code = {"ZipFile": packed.getvalue()}
    functions.create_function(FunctionName=name, Role=role, Runtime="python3.12", Handler="app.any", Code=code)

    def invoke(function: LambdaFunction, body: str, *_: object) -> bytes:
        assert function.function_name == name
        return json.dumps(answer(json.loads(body))).encode()

    LambdaFunction.invoke = invoke  # type: ignore[method-assign, assignment]  # what moto's backend calls
    try:
        yield
    finally:
        LambdaFunction.invoke = unanswered  # type: ignore[method-assign]  # put back
        functions.delete_function(FunctionName=name)
        iam.delete_role(RoleName=name)
