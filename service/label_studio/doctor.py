"""Look for every known way in which a connection goes wrong, and say what to do."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from annotations.errors import ExternalError, SecondCoderError
from annotations.formats.label_config import LabelConfig
from annotations.numerals import form, many
from service.label_studio.client import Client
from service.label_studio.connecting import (
    EVENTS,
    SSRF_REMEDY,
    TITLE,
    ServiceAddress,
    backend_is_ours,
    webhook_is_ours,
)
from service.label_studio.pushing import superseded
from service.label_studio.records import Finding, Prediction, Project, Webhook
from service.security import WEBHOOK_HEADER

TRIED_WITH = (1, 23)
"""The Label Studio release whose behaviour these checks know."""

CONNECT = "Run `second-coder label-studio connect` again."
PUSH = "Run `second-coder label-studio push` again."


@dataclass(frozen=True, kw_only=True, slots=True)
class _Expected:
    project_id: int
    codes: Sequence[str]
    version: str | None
    suggested: Collection[int]
    blind: Collection[int]
    service: ServiceAddress | None


def diagnose(
    client: Client,
    *,
    project: int,
    codes: Sequence[str],
    version: str | None,
    service: ServiceAddress | None,
    tasks: Collection[int] = (),
    blind: Collection[int] = (),
) -> tuple[Finding, ...]:
    """Check everything that can be checked; changes nothing.

    `tasks` are those that should carry a prediction of `version`, `blind` those that must show
    no suggestion; `version` is None before the first model. A check that could not be made,
    because an earlier one failed or because Label Studio does not tell, has `ok` None. What
    goes wrong on the way is a finding, not an ExternalError.
    """
    expected = _Expected(
        project_id=project,
        codes=codes,
        version=version,
        suggested=tasks,
        blind=blind,
        service=service,
    )
    findings: list[Finding] = []
    try:
        findings.extend(_server(client))
        found = client.project(project)
        if found is None:
            findings.append(
                Finding(
                    name="project",
                    ok=False,
                    message=f"project {project} is not there",
                    remedy=f"It was deleted, or this is another server. {CONNECT}",
                )
            )
            return tuple(findings)
        findings.extend(_project(client, found, expected))
        findings.extend(_connection(client, expected))
        findings.extend(_webhook(client, expected))
        findings.extend(_tasks(client, found, expected))
    except ExternalError as error:
        findings.append(
            Finding(
                name="Label Studio", ok=False, message=str(error), remedy="Mend this and ask again."
            )
        )
    findings.append(
        Finding(
            name="delivery of events",
            ok=None,
            message="Label Studio keeps no record of the events that it could not deliver",
            remedy="`second-coder label-studio sync` fetches whatever was missed.",
        )
    )
    return tuple(findings)


def _server(client: Client) -> Iterator[Finding]:
    server = client.server()
    yield Finding(
        name="Label Studio", ok=True, message=f"answers at {client.url}, token of {server.user}"
    )
    parts = [part for part in server.version.split(".")[:2] if part.isdecimal()]
    known = tuple(int(part) for part in parts) == TRIED_WITH
    yield Finding(
        name="version",
        ok=True if known else None,
        message=f"{server.version} ({server.edition})",
        remedy="" if known else f"These checks know {'.'.join(map(str, TRIED_WITH))}.",
    )
    yield Finding(
        name="token",
        ok=True,
        message="a legacy token" if client.legacy_token else "a personal access token",
        remedy="It ends when an administrator turns legacy tokens off; a personal one does not."
        if client.legacy_token
        else "",
    )


def _project(client: Client, project: Project, expected: _Expected) -> Iterator[Finding]:
    yield Finding(name="project", ok=True, message=client.project_url(project.id))
    try:
        missing = LabelConfig.parse(project.label_config, expected.codes).missing(expected.codes)
        yield _finding(
            "labels",
            not missing,
            f"all of {many(len(expected.codes), 'code')}",
            f"no label for {', '.join(missing[:5])}{' ...' if missing[5:] else ''}",
            f"Suggestions of codes without a label cannot be shown. {CONNECT}",
        )
    except SecondCoderError as error:
        yield Finding(name="labels", ok=False, message=str(error), remedy=CONNECT)
    yield _finding(
        "suggestions shown",
        project.show_predictions,
        "coders see predictions",
        "the project hides predictions from coders",
        CONNECT,
    )
    yield _finding(
        "empty annotations",
        project.allow_empty,
        "a coder may submit a transcript without codes",
        "a transcript to which no code applies cannot be submitted",
        CONNECT,
    )


def _connection(client: Client, expected: _Expected) -> Iterator[Finding]:
    service = expected.service
    if service is None:
        yield Finding(
            name="model connection",
            ok=None,
            message="connected without --ml-url: annotations come back by sync alone",
            remedy="Run `second-coder label-studio connect` with --ml-url.",
        )
        return
    backends = client.backends(expected.project_id)
    ours = [item for item in backends if backend_is_ours(item, service)]
    yield _finding(
        "model connection",
        len(ours) == 1 and len(backends) == 1,
        f"{service.backend_url}",
        f"{many(len(ours), 'connection')} to {service.backend_url}, "
        f"{many(len(backends) - len(ours), 'other')}",
        f"Label Studio asks one of them alone: remove the others there. {CONNECT}",
    )
    for backend in ours[:1]:
        yield _finding(
            "service answers",
            backend.connected,
            "Label Studio reached it and was let in",
            f"Label Studio could not use it: {backend.error or 'it does not answer'}",
            "Start `second-coder serve` where Label Studio can reach it. Where it runs and is not "
            f"let in, connect again. {SSRF_REMEDY}",
        )
        yield _finding(
            "login",
            backend.basic_auth and backend.user == service.user,
            "Label Studio logs in",
            "the connection is without our user and password",
            CONNECT,
        )
        yield _finding(
            "not interactive",
            not backend.is_interactive,
            "asked only for whole transcripts",
            "Label Studio calls the model at every click",
            CONNECT,
        )
        if expected.version is not None and backend.connected:
            yield _finding(
                "version of the service",
                backend.model_version == expected.version,
                backend.model_version,
                f"the service says {backend.model_version!r}, the study uses {expected.version!r}",
                "Predictions would be stored twice. Restart `second-coder serve`.",
            )


def _webhook(client: Client, expected: _Expected) -> Iterator[Finding]:
    service = expected.service
    if service is None:
        return
    hooks = [
        hook for hook in client.webhooks(expected.project_id) if webhook_is_ours(hook, service)
    ]
    if not hooks:
        remedy = f"{CONNECT} {SSRF_REMEDY}"
    elif any(hook.project is None for hook in hooks):
        remedy = "Remove the organization's webhook to this address, in its settings."
    else:
        remedy = CONNECT
    yield _finding(
        "one webhook",
        len(hooks) == 1,
        service.webhook_url,
        f"{len(hooks)} webhooks to {service.webhook_url}: every event comes that many times",
        remedy,
    )
    yield from (finding for hook in hooks[:1] for finding in _hook(hook, service))


def _hook(hook: Webhook, service: ServiceAddress) -> Iterator[Finding]:
    yield _finding(
        "webhook's secret",
        hook.headers.get(WEBHOOK_HEADER) == service.secret,
        "sent with every event",
        "events come without our secret, so they are not believed",
        CONNECT,
    )
    missing = [] if hook.all_actions else sorted(EVENTS - hook.actions)
    yield _finding(
        "webhook's events",
        hook.active and hook.payload and not missing,
        "all that matter",
        f"not sent: {', '.join(missing)}" if missing else "the webhook is switched off",
        CONNECT,
    )


def _tasks(client: Client, project: Project, expected: _Expected) -> Iterator[Finding]:
    ours = {*expected.suggested, *expected.blind}
    gone = ours.difference(task.id for task in client.tasks(project.id)) if ours else ()
    yield _finding(
        "tasks",
        not gone,
        f"{len(ours)} pushed, all there",
        f"{len(gone)} of {many(len(ours), 'pushed task')} {form(len(gone), 'was', 'were')} deleted "
        "in Label Studio",
        PUSH,
    )
    predictions = client.predictions(project.id)
    yield _blind(predictions, expected)
    if expected.version is None:
        yield _finding(
            "model version",
            project.model_version != TITLE,
            "no model yet",
            "the project shows whatever the service says at the moment of opening",
            CONNECT,
        )
        return
    yield from _versions(project, predictions, expected, expected.version)


def _versions(
    project: Project, predictions: Sequence[Prediction], expected: _Expected, version: str
) -> Iterator[Finding]:
    pushed = bool(expected.suggested)
    yield _finding(
        "model version",
        project.model_version == version or not pushed,
        f"the project shows {version}" if pushed else "nothing pushed yet",
        f"the project shows {project.model_version or 'no version'!r}, not {version!r}: coders "
        "see other suggestions or none, and uncertainty sampling is random",
        PUSH,
    )
    mine = Counter(item.task for item in predictions if item.model_version == version)
    missing = [task for task in expected.suggested if task not in mine]
    yield _finding(
        "predictions",
        not missing,
        f"one on each of {many(len(expected.suggested), 'task')}",
        f"{len(missing)} of {many(len(expected.suggested), 'task')} "
        f"{form(len(missing), 'has', 'have')} none of {version!r}",
        PUSH,
    )
    doubled = sum(count > 1 for count in mine.values())
    yield _finding(
        "no duplicates",
        not doubled,
        "one prediction a task",
        f"{many(doubled, 'task has', 'tasks have')} several predictions of {version!r}",
        "Coders see each suggestion more than once. "
        f"{PUSH} It clears them a day after they appeared.",
    )
    old = sum(item.prediction.model_version != version for item in superseded(predictions, version))
    yield Finding(
        name="old predictions",
        ok=True,
        message=f"{old} of earlier versions, hidden from coders" if old else "none left",
        remedy="A push clears those a day old that no annotation came from." if old else "",
    )


def _blind(predictions: Sequence[Prediction], expected: _Expected) -> Finding:
    shown = {item.task for item in predictions if item.result and item.task in set(expected.blind)}
    return _finding(
        "blind sample",
        not shown,
        f"nothing shown on {many(len(expected.blind), 'task')}",
        f"{many(len(shown), 'task')} of the blind sample {form(len(shown), 'shows', 'show')} "
        f"suggestions: {sorted(shown)[:5]}",
        "What is coded there is no longer independent of the model. Delete these predictions in "
        "Label Studio before anybody opens the tasks.",
    )


def _finding(name: str, ok: bool, good: str, bad: str, remedy: str) -> Finding:
    return Finding(name=name, ok=ok, message=good if ok else bad, remedy="" if ok else remedy)
