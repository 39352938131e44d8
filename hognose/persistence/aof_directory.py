"""The directory of the append-only files: its manifest, kept on disk and in memory, and the files it names.

A manifest is written under a temporary name, brought to disk and renamed, and the directory is brought to disk after
it: there is always one whole manifest, and what it names is there. Where only the last step fails nobody knows which
manifest is found after a power failure, so the files of both have to stay. What fails is logged here, with what was
tried; the caller only has to know how far it came.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from mypy_extensions import i64

from hognose.config.settings import Settings
from hognose.persistence.aof_manifest import (
    BASE,
    MANIFEST_SUFFIX,
    TEMPORARY_PREFIX,
    AofFile,
    Manifest,
    ManifestError,
    parse_manifest,
)
from hognose.persistence.disk import DeleteJob, DiskThread
from hognose.persistence.dump_file import remove

NOTICE: Final = 2
WARNING: Final = 3
FILE_MODE: Final = 0o644
DIRECTORY_MODE: Final = 0o755
NO_FILE: Final = -1

NOT_SAVED: Final = 0
NOT_SYNCED: Final = 1
"""A start finds the new manifest, unless the power fails before; the one before it then."""
SAVED: Final = 2


class AofDirectory:
    """The append-only files of one server.

    Attributes:
        manifest: What is in force.
        may_revert: Whether a power failure may bring back the manifest before it.
    """

    def __init__(self, settings: Settings, log: Callable[[int, str], None], thread: DiskThread) -> None:
        self._settings: Final = settings
        self._log: Final = log
        self._disk: Final = thread
        self.manifest: Manifest = Manifest()
        self.may_revert = False

    def path(self, name: str) -> str:
        """Where a file of the directory is."""
        return f"{self._settings.appenddirname}/{name}"

    def manifest_name(self) -> str:
        """The manifest's file name."""
        return self._settings.appendfilename + MANIFEST_SUFFIX

    def temporary_increment(self) -> str:
        """The increment's name until the first rewrite is done, after which it gets a real one."""
        return f"{TEMPORARY_PREFIX}{self._settings.appendfilename}.incr"

    # The manifest

    def load(self) -> bool:
        """Reads the manifest, if there is one; False, with the reason logged, if it is of no use."""
        self.manifest = Manifest()
        path = self.path(self.manifest_name())
        try:
            self.manifest = parse_manifest(Path(path).read_bytes())
        except FileNotFoundError:
            return True
        except OSError as error:
            reason = f"can't open the AOF manifest file {self.manifest_name()} for reading: {error.strerror}"
            self._log(WARNING, f"Fatal error: {reason}")
            return False
        except ManifestError as problem:
            self._log(WARNING, "*** FATAL AOF MANIFEST FILE ERROR ***")
            if problem.number:
                self._log(WARNING, f"Reading the manifest file, at line {problem.number}")
                self._log(WARNING, f">>> '{problem.line}'")
            self._log(WARNING, problem.text)
            return False
        return True

    def save(self, manifest: Manifest) -> i64:
        """Puts a manifest in force, on disk and here.

        Returns:
            SAVED, or with the reason logged, NOT_SAVED or NOT_SYNCED; `manifest` is then the one before.
        """
        name = self.manifest_name()
        temporary = TEMPORARY_PREFIX + name
        step = f"Can't open the AOF manifest file {temporary}"
        saved = NOT_SAVED
        try:
            fd = os.open(self.path(temporary), os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
            with os.fdopen(fd, "wb") as file:
                step = f"Error trying to write the temporary AOF manifest file {temporary}"
                file.write(manifest.to_bytes())
                file.flush()
                step = f"Fail to fsync the temp AOF file {temporary}"
                os.fsync(fd)
            step = f"Error trying to rename the temporary AOF manifest file {temporary} into {name}"
            Path(self.path(temporary)).rename(self.path(name))
            saved = NOT_SYNCED
            step = f"Fail to fsync AOF directory {self._settings.appenddirname}"
            self.sync()
        except OSError as error:
            self._log(WARNING, f"{step}: {error.strerror}")
            return saved
        self.manifest = manifest
        self.may_revert = False
        return SAVED

    def go_on_unsynced(self, manifest: Manifest) -> None:
        """Takes a manifest for the one in force whose saving returned NOT_SYNCED. No file of either is deleted then."""
        self.manifest = manifest
        self.may_revert = True

    def sync(self) -> None:
        """Brings the directory itself to disk. Raises OSError."""
        fd = os.open(self._settings.appenddirname, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    # Files

    def create(self) -> bool:
        """Makes the directory if there is none; False, with the reason logged, if that fails."""
        try:
            Path(self._settings.appenddirname).mkdir(DIRECTORY_MODE, exist_ok=True)
        except OSError as error:
            text = f"Can't open or create append-only dir {self._settings.appenddirname}: {error.strerror}"
            self._log(WARNING, text)
            return False
        return True

    def open(self, name: str, empties: bool) -> int:
        """Opens a file to append to; NO_FILE, with the reason logged, if that fails.

        Args:
            name: Its name.
            empties: Whether what it holds is dropped.
        """
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | (os.O_TRUNC if empties else 0)
        try:
            return os.open(self.path(name), flags, FILE_MODE)
        except OSError as error:
            self._log(WARNING, f"Can't open the append-only file {name}: {error.strerror}")
            return NO_FILE

    def size(self, name: str) -> i64:
        """A file's size, 0 with a line in the log if it cannot be told."""
        try:
            return i64(Path(self.path(name)).stat().st_size)
        except OSError as error:
            self._log(WARNING, f"Unable to obtain the AOF file {name} length. stat: {error.strerror}")
            return 0

    def delete(self, path: str) -> None:
        """Deletes a file, whose space is given back in the background; one that is not there is no matter."""
        try:
            self._disk.submit(DeleteJob(path))
        except OSError:
            remove(path)  # it cannot be opened, which deleting does not need

    def delete_history(self) -> None:
        """Deletes the files that are no longer part of the dataset (unless aof-disable-auto-gc)."""
        if self._settings.aof_disable_auto_gc or self.may_revert or not self.manifest.history:
            return
        manifest = self.manifest.copy()
        for file in manifest.history:
            self._log(NOTICE, f"Removing the history file {file.name} in the background")
            self.delete(self.path(file.name))
        manifest.history = []
        self.save(manifest)

    # A file from before there were manifests

    def is_to_upgrade(self) -> bool:
        """Whether there is a single append-only file, of an old version, that is not part of a manifest yet."""
        name = self._settings.appendfilename
        if not Path(name).is_file():
            return False
        manifest = self.manifest
        if not Path(self._settings.appenddirname).is_dir() or manifest.is_empty():
            return True
        # An upgrade that was interrupted after the manifest was written.
        base = manifest.base
        named = base is not None and base.name == name and not manifest.increments
        return named and not Path(self.path(name)).exists()

    def upgrade(self) -> bool:
        """Makes that file the base of a new manifest; False, with the reason logged, if that fails."""
        name = self._settings.appendfilename
        if not self.create():
            return False
        manifest = Manifest()
        manifest.base = AofFile(name, 1, BASE)
        manifest.base_sequence = 1
        if self.save(manifest) != SAVED:
            return False
        try:
            Path(name).rename(self.path(name))
        except OSError as error:
            directory = self._settings.appenddirname
            text = f"Error trying to move the old AOF file {name} into dir {directory}: {error.strerror}"
            self._log(WARNING, text)
            return False
        text = f"Successfully migrated an old-style AOF file ({name}) into the AOF directory"
        self._log(NOTICE, f"{text} ({self._settings.appenddirname}).")
        return True
