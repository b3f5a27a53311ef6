"""Projects beside that of a study: without model and webhook, fetched by `sync`."""

from service.label_studio.client import Client
from service.label_studio.records import Project

_LONGEST = 50


def open_beside(client: Client, *, description: str, title: str, label_config: str) -> Project:
    """The project with this description, made where it is missing, its labels up to date."""
    found = client.described_project(description)
    if found is None:
        return client.create_project(
            title=title[:_LONGEST],
            settings={
                "description": description,
                "label_config": label_config,
                "show_collab_predictions": True,
                "enable_empty_annotation": True,
                "show_skip_button": True,
                "evaluate_predictions_automatically": False,
                "reveal_preannotations_interactively": False,
            },
        )
    if found.label_config != label_config:
        return client.update_project(found.id, {"label_config": label_config})
    return found
