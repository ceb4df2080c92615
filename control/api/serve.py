"""`dm serve`: the commands of `dm` over HTTP, and a panel that uses them."""

import os
import secrets
import signal

import click

HOST = "127.0.0.1"
# Many more than the commands that run at once, so that pages do not wait for commands.
THREADS = 64
LEAST_TOKEN = 32
# Without these limits, a client without a token could fill the memory with endless headers or an endless
# body.
MOST_OF_A_HEAD = 64 * 1024
# The application has a lower limit, with an error message; longer bodies are not read to the end.
MOST_OF_A_BODY = 1024 * 1024


@click.command(
    "serve",
    epilog="""\b
Examples:
  dm serve
  DM_API_TOKEN=$(cat token) dm serve --port 8090
  curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8090/files/list?state=failed
""",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8090, show_default=True, help="0 for any free port."
)
def command(port: int) -> None:
    """Serve the commands of `dm` as REST paths of the same names, and a panel, on 127.0.0.1.

    GET /files/list?table=review returns what `dm files list --table review --json` prints, and POST
    /ingest/run with {"until_idle": true} runs `dm ingest run --until-idle`; /openapi.json describes all
    paths. Commands run with the settings and permissions of this process, up to 8 at once, and their stderr
    appears here. Requests need a token: that in DM_API_TOKEN, or else a generated one, which is printed.
    Ctrl-C stops the server.
    """
    from control.errors import UsageError

    token = os.environ.get("DM_API_TOKEN") or secrets.token_urlsafe(LEAST_TOKEN)
    if len(token) < LEAST_TOKEN:
        raise UsageError(f"DM_API_TOKEN has less than {LEAST_TOKEN} characters", hint="openssl rand -hex 32")
    try:
        from cheroot import wsgi

        from control.api.app import App
    except ModuleNotFoundError as error:
        raise UsageError(
            f"this needs the package {error.name}",
            hint="make setup installs it, and elsewhere pip install '<clone>[api]'",
        ) from error
    from control.api import work

    server = wsgi.Server((HOST, port), App(token, work.answer), numthreads=THREADS, server_name="dm")
    server.max_request_header_size, server.max_request_body_size = MOST_OF_A_HEAD, MOST_OF_A_BODY
    try:
        server.prepare()
    except OSError as error:
        problem = "is in use" if "in use" in str(error) else f"cannot be opened: {error}"
        hint = "choose another one with --port, or 0 for any free port"
        raise UsageError(f"port {port} {problem}", hint=hint) from error
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        work.warm_up()
        made = "" if os.environ.get("DM_API_TOKEN") else f"#token={token}"
        click.echo(f"Serving at http://{HOST}:{server.bind_addr[1]}/{made} (Ctrl-C ends it)")
        server.serve()
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
    finally:
        work.end_all()
        server.stop()
