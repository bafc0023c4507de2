// Commits as fast as it can and tells each revision once it is acknowledged, until it is killed.

import { openEmbeddedStore } from "../../src/store/embedded.js"
import { serviceNamed } from "./fixture.js"

const store = openEmbeddedStore(process.argv[2] ?? "")
let { revision } = await store.load()
for (;;) {
  const next = String(revision + 1)
  revision = await store.commit(
    revision,
    ["a", "b", "c"].map((id) => ({ kind: "service", id, value: serviceNamed(id, next) })),
  )
  process.send?.(revision)
}
