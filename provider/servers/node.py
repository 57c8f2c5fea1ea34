"""One node's folder and process: whose it is, what differs, and how it is started on its files."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from holdfast.connection import Address
from holdfast.errors import ConfigError, HoldfastError, Unsupported
from provider import folders
from provider.servers import datafolder, group, health, process
from provider.servers.admin import Access, Login
from provider.servers.boot import Starter, orphan, ports_of, require_free
from provider.servers.conffile import ConfFile
from provider.servers.files import (
    explained,
    make_folder,
    read_file,
    require_room,
    restore_files,
    same_file,
    write_files,
)
from provider.servers.health import Waiting
from provider.servers.process import Record, Running
from provider.servers.spec import Kind, ServerSpec
from provider.servers.versions import ServerVersion

_PRIMARY_SECONDS: Final = 2.0
_SPARE: Final = bytes(16_384)
"""Room for what is written beside the files: the record, the first lines of the log."""


@dataclass(frozen=True)
class Node:
    """A node to be brought to its inputs.

    Attributes:
        spec: the inputs to reach.
        previous: the inputs as last applied, None for a new node: its folder has to prove whose
            it is.
        pause: waits that many seconds; raises if the user stops the run.
        warn: tells the user what does not stop this node but should be known.
        timeout_seconds: how long to wait for the server, None: as the inputs say.
    """

    spec: ServerSpec
    previous: ServerSpec | None
    pause: Callable[[float], None]
    warn: Callable[[str], None]
    timeout_seconds: float | None = None

    @property
    def access(self) -> Access:
        """The administrator; the former password and CA hold until the change is through."""
        specs = [self.spec, *([self.previous] if self.previous else [])]
        logins = dict.fromkeys(Login(s.admin_username, s.admin_password) for s in specs)
        return Access(tuple(logins), "\n".join(dict.fromkeys(s.tls_ca_pem for s in specs)))

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be shown: the former secrets still stand in files and logs."""
        return (*self.spec.secrets, *(self.previous.secrets if self.previous else ()))

    @property
    def waiting(self) -> Waiting:
        """How long to wait for the server."""
        return Waiting(self.timeout_seconds or self.spec.start_timeout_seconds, self.pause)

    @property
    def owners(self) -> tuple[str, ...]:
        """Whose folder it may be: a stack that is renamed keeps its folders."""
        former = [self.previous.owner] if self.previous else []
        return tuple(dict.fromkeys([self.spec.owner, *former]))

    def record(self) -> Record | None:
        """Whose folder it is, None if nothing says so.

        Raises:
            ConfigError: another stack's, or a folder with files that this kit did not make.
        """
        folder = self.spec.layout.folder
        record = Record.read(self.spec.layout.record)
        if record:
            group.require_owner(record, self.owners, folder)
        elif not self.previous and folder.is_dir() and any(folder.iterdir()):
            raise ConfigError(
                "groupDir",
                str(folder),
                "an empty folder, or one that this kit made (it has no process.json)",
                "choose another folder, or move these files away",
            )
        return record

    def running(self) -> Running | None:
        """The node's live process, recorded or found by its port."""
        spec = self.spec
        found = process.find(self.record(), spec.layout)
        return found or orphan(spec.address, spec.port, spec.layout)

    def store_record(self, version: ServerVersion, running: Running) -> None:
        """Write process.json anew."""
        process.started(self._new_record(version), running).write(self.spec.layout)

    def require_startable(self, version: ServerVersion) -> None:
        """Check, before anything is changed, what would keep the node from starting.

        Raises:
            ConfigError: a port is in use; names the process that holds it.
            Unsupported: the server cannot load what is in the data folder: it is older than the
                one that wrote it, or of another engine.
        """
        spec = self.spec
        require_free(spec.address, ports_of(spec.port, clustered=spec.clustered), spec.layout)
        found = datafolder.look(spec.layout.data)
        if found.rdb_version and not version.reads_rdb(found.rdb_version):
            raise Unsupported(
                "executable",
                f"{version.engine} {version}",
                f"a server that reads RDB format {found.rdb_version}, "
                f"in which {spec.layout.data} is written",
                "keep the newer server; nothing was changed",
            )

    def boot(self, version: ServerVersion) -> Running:
        """Stop the process if there is one, write all files, start in order.

        Call with the group's lock held. A process that was running is replaced by one that is
        ready and, as a replica, in step; where the new one ends while starting, the old files
        are put back and the old process is started again.

        Raises:
            ConfigError: a port is in use, or a file cannot be written.
            StoreUnavailable: the process ended, or did not get ready in time.
        """
        self.require_startable(version)
        layout, record, replaced = self.spec.layout, self.record(), self.running()
        make_folder(layout.folder)
        new, material = self._new_record(version), self._material()
        found = read_file(layout.conf)
        require_room(layout.folder, self._conf(found) + b"".join(material.values()) + _SPARE)
        complete = False
        if replaced:
            complete = process.stop(replaced)
            found = read_file(layout.conf)
        before: Mapping[Path, bytes | None] = {}
        running: Running | None = None
        try:
            new.write(layout)
            for folder in (layout.data, layout.certificate.parent):
                make_folder(folder)
            before = write_files({layout.conf: self._conf(found), **material})
            running = self._start(seeded=found is None, complete=complete)
            if replaced:
                self.wait_ready(running)
        except HoldfastError:
            if replaced and record and not (running and process.is_alive(running)):
                restore_files(before)
                record.write(layout)
                self._start(seeded=False, complete=complete)
            raise
        return running

    def wait_ready(self, running: Running) -> None:
        """Wait until it answers and, as a replica of a primary that listens, follows it."""
        spec = self.spec
        health.wait_ready(
            running, spec.endpoint, self.access, spec.layout, self.waiting, self.secrets
        )
        if spec.kind is Kind.SERVER and not spec.clustered:
            data = read_file(spec.layout.conf)
            primary = ConfFile.parse(data).replicaof if data else None
            if primary and self._comes_up(primary):
                health.wait_linked(spec.endpoint, self.access, self.waiting, self.warn)

    def _comes_up(self, primary: Address) -> bool:
        """Whether the primary listens, or does so soon: nodes of a new group start together."""
        return Waiting(_PRIMARY_SECONDS, self.pause).until(lambda: health.listens(primary))

    def drift(self) -> tuple[str, ...]:
        """What the files say otherwise than the inputs: names only, no values."""
        layout = self.spec.layout
        names = {
            layout.certificate: "tlsCertificatePem",
            layout.key: "tlsPrivateKeyPem",
            layout.ca: "tlsCaPem",
            layout.acl: "acl",
        }
        changed = [
            names[path] for path, data in self._material().items() if not same_file(path, data)
        ]
        data = read_file(layout.conf)
        if data is None:
            return (*changed, "conf")
        try:
            conf = ConfFile.parse(data, source=str(layout.conf))
        except ConfigError:
            return (*changed, "conf")
        return (*changed, *self.spec.conf_differences(conf))

    def remove(self) -> None:
        """Stop the process and remove the folder; with ``keep_data`` only the process goes."""
        layout, group_dir = self.spec.layout, self.spec.group_dir
        if layout.folder.is_dir():
            with group.locked(group_dir, self.pause):
                record, running = self.record(), self.running()
                if record:
                    # From here on nobody else starts it again.
                    replace(record, wanted=False).write(layout)
            if running:
                process.stop(running)
            if self.spec.keep_data:
                return
            with group.locked(group_dir, self.pause), explained(layout.folder):
                shutil.rmtree(layout.folder)
                folders.release(group_dir)

    def remove_empty_folders(self) -> None:
        """Remove the node's folder and the group's, as far as nothing is in them."""
        folder, group_dir = self.spec.layout.folder, self.spec.group_dir
        with group.locked(group_dir, self.pause), explained(folder):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
            folders.release(group_dir)

    def _start(self, *, seeded: bool, complete: bool) -> Running:
        spec = self.spec
        starter = Starter(spec.group_dir, self.owners, self.access, self.waiting, self.warn)
        return starter.start(spec.node, seeded=seeded, complete=complete)

    def _new_record(self, version: ServerVersion) -> Record:
        spec, layout = self.spec, self.spec.layout
        sentinel = ("--sentinel",) if spec.kind is Kind.SENTINEL else ()
        return Record(
            owner=spec.owner,
            node=spec.node,
            kind=spec.kind,
            argv=(str(spec.executable), str(layout.conf), *sentinel),
            address=spec.address,
            port=spec.port,
            version=str(version),
            clustered=spec.clustered,
        )

    def _conf(self, found: bytes | None) -> bytes:
        if found is None:
            return self.spec.new_conf().render()
        conf = ConfFile.parse(found, source=str(self.spec.layout.conf))
        return self.spec.patched_conf(conf, self.previous).render()

    def _material(self) -> dict[Path, bytes]:
        """The files that nobody but us writes."""
        spec, layout = self.spec, self.spec.layout
        return {
            layout.certificate: spec.tls_certificate_pem.encode(),
            layout.key: spec.tls_private_key_pem.encode(),
            layout.ca: spec.tls_ca_pem.encode(),
            layout.acl: spec.acl.encode(),
        }
