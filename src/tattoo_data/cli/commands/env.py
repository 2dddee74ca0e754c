"""`env`."""

from __future__ import annotations

import shlex

import click

from tattoo_data.cli.options import Invocation, common

EPILOG = """\b
Touches: nothing; it starts the local stack where no endpoint is named.

\b
Example:
  eval "$(tattoo-data env)"

\b
Exit status:
  0  printed
  14 a service does not answer
"""


@click.command("env", epilog=EPILOG)
@common
def command(invocation: Invocation) -> int:
    """Print the application's environment variables for this target."""
    with invocation.environment() as env:
        target = env.target
        key, secret, _ = env.settings.credentials(local=target.local)
        # Credentials that are the user's own are in the environment already, and stay off the screen.
        ours = (key, secret) == ("test", "test")
        credentials = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret} if ours else {}
        variables = {
            "AWS_ENDPOINT_URL": target.aws_endpoint,
            **({"AWS_ENDPOINT_URL_S3": target.s3_endpoint} if target.s3_endpoint != target.aws_endpoint else {}),
            **credentials,
            "AWS_DEFAULT_REGION": target.region,
            "DYNAMODB_TABLE_NAME": target.table,
            "OPENSEARCH_ENDPOINT": target.opensearch_endpoint,
            "OPENSEARCH_INDEX": target.index,
            "IMAGE_BUCKET": target.image_bucket,
            "BACKUP_BUCKET": target.backup_bucket,
        }
        if invocation.output.json:
            invocation.output.document(
                {"command": invocation.command, "elapsedSeconds": invocation.elapsed(), "variables": variables}
            )
        else:
            for name, value in variables.items():
                invocation.output.line(f"export {name}={shlex.quote(value)}")
    return 0
