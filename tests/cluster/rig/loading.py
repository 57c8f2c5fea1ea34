"""Images into nodes that run already, as when the checkout changed since they were started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tests.cluster.rig.layout import Layout
from tests.cluster.rig.namespaces import recorded
from tests.cluster.rig.node import image_mark, importing
from toolchain import process
from toolchain.progress import Task


def load_images(layout: Layout, images: Mapping[str, str]) -> None:
    """Give every node that is on the archives it does not have; the others get them when they boot.

    Args:
        layout: of the instance; what is written down of it changes too.
        images: reference -> archive.
    """
    if dict(layout.images) != dict(images):
        replace(layout, images=images).store()
    guests = recorded(layout.root)
    for name in layout.node_names():
        disk, guest = layout.node(name), guests.get(name)
        if guest is None or not guest.runs():
            continue
        for reference, archive in images.items():
            mark = image_mark(disk, reference)
            if mark.exists() and mark.read_text() == archive:
                continue
            with Task(f"loading {reference} into {name}"):
                inside = ["nsenter", "--target", str(guest.inner.pid), "--mount", "--pid", "--net"]
                program = f"{layout.programs.containerd}/"
                process.output([*inside, "--", *importing(archive, program)])
            mark.write_text(archive)
