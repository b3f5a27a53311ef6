"""Commands that keep running: serve, worker, demo."""

import socket
from pathlib import Path
from typing import Annotated

import typer

from annotations.numerals import form, many
from service.cli.options import Home, open_home, place_of_home
from service.cli.present import progress, say, show_line


def add_to(app: typer.Typer) -> None:
    """Register these commands."""
    app.command("serve")(serve)
    app.command("worker")(worker)
    app.command("demo")(demo)


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port to listen on.")] = None,
    with_worker: Annotated[
        bool, typer.Option("--with-worker", help="Run the job worker too.")
    ] = False,
    home: Home = None,
) -> None:
    """Run the HTTP service: the Label Studio backend and the API."""
    from service.app import serve as run

    house = open_home(context, home)
    run(
        house,
        host=host or house.settings.host,
        port=port or house.settings.port,
        with_worker=with_worker,
    )


def worker(
    context: typer.Context,
    check: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="SECONDS",
            help="Run none; fail unless this machine's workers gave a sign of life since then.",
        ),
    ] = None,
    home: Home = None,
) -> None:
    """Run the job worker: training, synchronising, pushing."""
    if check is not None:
        from service.sign_of_life import check_workers

        check_workers(place_of_home(context, home), socket.gethostname(), check)
        return
    from service.worker import work

    work(open_home(context, home))


def demo(
    context: typer.Context,
    exit_when_ready: Annotated[
        bool, typer.Option("--exit-when-ready", help="Stop everything once all has worked.")
    ] = False,
    home: Annotated[Path, typer.Option(help="Where the demo's state lives.")] = Path("var/demo"),
) -> None:
    """Run the fictional sample study in a real Label Studio, start to end."""
    from service.cli.agreeing import show_agreement
    from service.demo import EMAIL, PASSWORD, running_demo, wait_for_interrupt
    from service.workflows.agreeing import agreement

    house = open_home(context, home)
    with (
        progress() as report_progress,
        running_demo(house, say=say, progress=report_progress) as ready,
    ):
        show_agreement(agreement(house, ready.study))
        show_line(
            f"\n{many(ready.suggestions, 'suggestion was', 'suggestions were')} sent now; "
            f"{many(ready.shown, 'transcript shows', 'transcripts show')} suggestions, "
            f"{ready.withheld} {form(ready.withheld, 'is', 'are')} in the blind sample and "
            f"{form(ready.withheld, 'shows', 'show')} none.\n\n"
            f"Open {ready.project_url}/data and log in as {EMAIL} with password {PASSWORD}\n"
            f"The service is at {ready.service_url}; what its API does is told at "
            f"{ready.service_url}/openapi.json to who sends the API token."
        )
        if not exit_when_ready:
            say("Ctrl-C stops Label Studio and the service.")
            wait_for_interrupt()
            say("Stopping")
