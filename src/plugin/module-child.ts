// The process of one QKD module: loads its driver, opens it and carries its blocks and reports to the key manager that
// started it. Ends when that one goes.

import { Socket } from "node:net"
import { asQkdError, QkdError } from "../errors.js"
import { encodeFrame, type Frame, FrameReader } from "../transport/frames.js"
import type { ModuleConfig, ModuleTarget, QkdModule } from "./contract.js"
import { lendHost } from "./host.js"
import { loadModuleDriver } from "./load.js"
import { type Fault, faultOf, type ModuleNews } from "./module-messages.js"

const PIPE_FD = 3
/** Blocks under way to a reader that has not read them: lost with this process, so few. */
const AHEAD = 2

const pipe = new Socket({ fd: PIPE_FD, readable: true, writable: true })
const lent = lendHost({
  log: (level, message, facts) => {
    say({ op: "log", level, message, facts })
  },
})
let module: QkdModule | undefined
let mayGive = AHEAD
let onMore: () => void = () => undefined

/** What a maker's code throws is its own business, but somebody has to find out why. */
function faultWith(error: unknown): Fault {
  if (!(error instanceof Error) || error instanceof QkdError) return faultOf(asQkdError(error))
  return { tag: "operation-failed", message: error.message.slice(0, 500) }
}

/** @param bytes wiped once they are written */
function say(news: ModuleNews, bytes?: Uint8Array): void {
  const frame = encodeFrame(news, ...(bytes === undefined ? [] : [bytes]))
  pipe.write(frame, () => frame.fill(0))
}

async function open(driver: string, from: string, target: ModuleTarget): Promise<void> {
  try {
    const plugin = await loadModuleDriver(driver, { from })
    const opened = await plugin.open(target, lent.host)
    module = opened
    say({ op: "opened", description: opened.description, follows: opened.offered !== undefined })
    carry("keys", giveKeys(opened))
    carry("measurements", giveMeasurements(opened))
  } catch (error) {
    say({ op: "refused", fault: faultWith(error) })
  }
}

function carry(stream: "keys" | "measurements", work: Promise<void>): void {
  work.then(
    () => {
      say({ op: "ended", stream })
    },
    (error: unknown) => {
      say({ op: "ended", stream, fault: faultWith(error) })
    },
  )
}

async function giveKeys(opened: QkdModule): Promise<void> {
  for await (const { id, key } of opened.keys) {
    mayGive -= 1
    key.use((bytes) => {
      say({ op: "key", blockId: id }, bytes)
    })
    key.wipe()
    while (mayGive <= 0) await new Promise<void>((resolve) => (onMore = resolve))
  }
}

async function giveMeasurements(opened: QkdModule): Promise<void> {
  for await (const measurement of opened.measurements) say({ op: "measurement", measurement })
}

async function configure(id: number, desired: ModuleConfig | null): Promise<void> {
  try {
    if (module === undefined) throw new QkdError("operation-failed", "the module is not open")
    await module.configure(desired)
    say({ op: "configured", id })
  } catch (error) {
    say({ op: "configured", id, fault: faultWith(error) })
  }
}

let ending = false

async function end(): Promise<void> {
  if (ending) return
  ending = true
  await module?.close().catch(() => undefined)
  await lent.close()
  say({ op: "closed" })
  pipe.end(() => {
    process.exit(0)
  })
}

/** Our own program's words: their shape is the type's. */
function obey({ header }: Frame): void {
  switch (header["op"]) {
    case "open":
      void open(String(header["driver"]), String(header["from"]), header["target"] as ModuleTarget)
      return
    case "configure":
      void configure(Number(header["id"]), header["desired"] as ModuleConfig | null)
      return
    case "offered":
      module?.offered?.(header["blockIds"] as readonly string[])
      return
    case "more":
      mayGive += 1
      onMore()
      return
    case "close":
      void end()
  }
}

// Who is asked to stop is the node that started this process; it ends this one when it is done.
process.on("SIGINT", () => undefined)
process.on("SIGTERM", () => undefined)

const reader = new FrameReader()
pipe.on("data", (chunk: Buffer) => {
  for (const frame of reader.take(chunk)) obey(frame)
})
pipe.on("error", () => {
  process.exit(1)
})
pipe.once("end", () => {
  void end()
})
