"""Large streams in a snapshot that is written in slices: blocks first, then what follows them."""

from typing import Final

from mypy_extensions import i64

from hognose.datastructures.stream import StreamValue
from hognose.datastructures.stream_block import StreamBlock
from hognose.persistence.large_values import LargeValue, Notes
from hognose.persistence.rdb_sink import RdbSink
from hognose.persistence.rdb_write_values import write_stream_end

NOTED_BLOCK_BYTES: Final = 100


class LargeStream(LargeValue):
    """A stream: copies of its blocks, which share their bytes, and what follows them as bytes."""

    def __init__(self, database: i64, head: bytes, value: StreamValue, kind: i64, notes: Notes) -> None:
        super().__init__(database, head)
        self._blocks: Final[list[StreamBlock]] = [block.copy() for block in value.blocks]
        self._blocks.reverse()
        end = RdbSink(None)
        write_stream_end(end, value, kind)
        self._end: Final = end.getvalue()
        self._is_first = True
        self._notes: Final = notes
        notes.used_bytes += NOTED_BLOCK_BYTES * len(self._blocks) + len(self._end)

    def close(self) -> None:
        self._notes.used_bytes -= NOTED_BLOCK_BYTES * len(self._blocks) + len(self._end)
        self._blocks.clear()

    def write_part(self, sink: RdbSink) -> bool:
        if self._is_first:
            self._is_first = False
            sink.length(len(self._blocks))
        while self._blocks and self._room > 0:
            block = self._blocks.pop()
            self._notes.used_bytes -= NOTED_BLOCK_BYTES
            self.target(sink).string(block.first_id.to_bytes(16, "big"))
            self.text(sink, block.to_blob())
        if self._blocks:
            return True
        self.pieces(self._end)
        return False
