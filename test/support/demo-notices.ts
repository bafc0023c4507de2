// What a running demo's controller tells over its WebSocket, kept in order of arrival.

import { WebSocket } from "ws"
import type { Demo } from "./demo.js"

export interface NoticeView<Value> {
  seq: number
  type: string
  topic: string
  id: string
  message?: string
  value: Value | null
}

export interface Heard<Value> {
  readonly notices: readonly NoticeView<Value>[]
  /** All notices from now on are heard. */
  readonly ready: Promise<void>
  close(): void
}

/** All notices since subscribing, in order of arrival. */
export function listen<Value>(demo: Demo): Heard<Value> {
  const notices: NoticeView<Value>[] = []
  const socket = new WebSocket(
    `${demo.file.controller.url.replace("http", "ws")}/api/v1/events`,
    "keyloom.v1",
    {
      headers: { authorization: `Bearer ${demo.file.controller.token}` },
    },
  )
  const ready = new Promise<void>((resolve, reject) => {
    socket.once("error", reject)
    socket.once("open", () => {
      socket.send(JSON.stringify({ op: "subscribe", id: "t", topics: ["*"] }))
    })
    socket.on("message", (data: Buffer) => {
      const message = JSON.parse(data.toString("utf8")) as { op: string } & NoticeView<Value>
      if (message.op === "snapshot") resolve()
      if (message.op === "notice") notices.push(message)
    })
  })
  return {
    notices,
    ready,
    close: () => {
      socket.terminate()
    },
  }
}
