// What all WebSocket subscribers share: each notice framed once (RFC 6455 section 5.2), recent frames kept for
// those who catch up, and snapshots built once per number. It knows no connections.

import type { ControllerPort, Notice } from "../controller/ports.js"
import { networkView, noticeView } from "./views.js"
import type { Topic } from "./validate.js"

const MAX_FRAMES = 4096
const MAX_FRAME_BYTES = 16 * 1024 * 1024

/** An unmasked, unfragmented text frame: what a server sends. */
export function frameText(text: string): Buffer {
  const length = Buffer.byteLength(text)
  const head = length < 126 ? 2 : length < 65536 ? 4 : 10
  const frame = Buffer.allocUnsafeSlow(head + length)
  frame[0] = 0x81
  if (head === 2) frame[1] = length
  else if (head === 4) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
  frame.write(text, head, "utf8")
  return frame
}

export class Feed {
  readonly #controller: ControllerPort
  readonly #frames = new Map<number, Buffer>()
  #frameBytes = 0
  readonly #snapshots = new Map<string, string>()
  #snapshotSeq = -1

  constructor(controller: ControllerPort) {
    this.#controller = controller
  }

  /** The frame of a notice, the same bytes for everyone. */
  frameOf(notice: Notice): Buffer {
    const known = this.#frames.get(notice.seq)
    if (known !== undefined) return known
    const { seq, time, topic, type, id, value, message } = noticeView(notice)
    const frame = frameText(
      JSON.stringify({ op: "notice", seq, time, topic, type, id, value, message }),
    )
    this.#frames.set(seq, frame)
    this.#frameBytes += frame.length
    for (const [old, bytes] of this.#frames) {
      if (this.#frames.size <= MAX_FRAMES && this.#frameBytes <= MAX_FRAME_BYTES) break
      this.#frames.delete(old)
      this.#frameBytes -= bytes.length
    }
    return frame
  }

  /** JSON of the snapshot's `network` member for these topics, as of the last notice. */
  snapshot(topics: ReadonlySet<Topic>): string {
    const seq = this.#controller.lastSeq()
    if (seq !== this.#snapshotSeq) this.#snapshots.clear()
    this.#snapshotSeq = seq
    const key = [...topics].sort().join()
    const known = this.#snapshots.get(key)
    if (known !== undefined) return known
    const view = networkView(this.#controller.network(), this.#controller.epoch, seq)
    const text = JSON.stringify({
      revision: view.revision,
      ...(topics.has("node") ? { nodes: view.nodes } : {}),
      ...(topics.has("link") ? { links: view.links } : {}),
      ...(topics.has("service") ? { services: view.services } : {}),
      ...(topics.has("order") ? { orders: view.orders } : {}),
      ...(topics.has("maintenance") ? { maintenance: view.maintenance } : {}),
    })
    this.#snapshots.set(key, text)
    return text
  }
}
