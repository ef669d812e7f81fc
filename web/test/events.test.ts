import assert from "node:assert/strict";
import { test } from "node:test";
import { EventReader } from "../src/service/events.ts";

const STREAM = 'retry: 2000\n\nid: 3\nevent: progress\ndata: {"id":1,"total":0.5}\n\n: still here\n\nid: 4\r\nevent: job\r\ndata: {"id":1,\r\ndata: "state":"done"}\r\n\r\n';

test("events are the same however the stream is cut", () => {
  for (let size = 1; size < STREAM.length; size++) {
    const reader = new EventReader();
    const found = [];
    for (let at = 0; at < STREAM.length; at += size) found.push(...reader.feed(STREAM.slice(at, at + size)));
    assert.deepEqual(found, [
      { id: "3", kind: "progress", data: { id: 1, total: 0.5 } },
      { id: "4", kind: "job", data: { id: 1, state: "done" } },
    ]);
  }
});

test("what is no JSON is passed over, the next event is read", () => {
  assert.deepEqual(new EventReader().feed("data: {oops\n\ndata: 1\n\n"), [{ id: "", kind: "message", data: 1 }]);
});
