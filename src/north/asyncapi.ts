// Prints the AsyncAPI 3.0 document of the WebSocket protocol from the schemas. Deterministic, like openapi.ts.

import { SCHEMAS } from "./schemas.js"

const FROM_CLIENT = ["Init", "Subscribe", "Unsubscribe"] as const
const FROM_SERVER = [
  "Ready",
  "Resumed",
  "NothingMissed",
  "Snapshot",
  "NoticeMessage",
  "Unsubscribed",
  "Heartbeat",
  "ErrorMessage",
] as const

const SUMMARY: Readonly<Record<(typeof FROM_CLIENT | typeof FROM_SERVER)[number], string>> = {
  Init: "Signs in, when neither header nor cookie did; within 5 seconds",
  Subscribe:
    "Asks for notices of these topics, after `since` when given; replaces what was asked before",
  Unsubscribe: "Wants no more notices",
  Ready: "Signed in",
  Resumed: "Every notice after `from` follows",
  NothingMissed: "`since` was the last; what follows is new",
  Snapshot: "The network as it stands at `seq`, with the reason why notices alone would not do",
  NoticeMessage: "A committed change; the same bytes for every subscriber",
  Unsubscribed: "No more notices follow",
  Heartbeat: "Every 10 seconds: the last number, also when it was of another topic",
  ErrorMessage: "What was wrong with the last message; the connection closes",
}

/** Close codes beside RFC 6455's own. */
export const CLOSE = {
  /** 1001: the server is stopping. */
  goingAway: 1001,
  /** A message that is not understood. */
  badMessage: 4400,
  /** Wrong token, or a session that is over. */
  unauthorized: 4401,
  /** No `init` in time. */
  initTimeout: 4408,
  /** The reader is too slow; reconnect with the last number. */
  tooSlow: 4429,
} as const

export const SUBPROTOCOL = "keyloom.v1"

function names(list: readonly string[]): Record<string, { $ref: string }> {
  return Object.fromEntries(list.map((name) => [name, { $ref: `#/components/messages/${name}` }]))
}

function messageRefs(list: readonly string[]): { $ref: string }[] {
  return list.map((name) => ({ $ref: `#/channels/events/messages/${name}` }))
}

/** The whole document, ready to be served. */
export function asyncApiDocument(): object {
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Keyloom events",
      version: "1",
      license: { name: "Apache-2.0" },
      description: [
        `WebSocket, subprotocol \`${SUBPROTOCOL}\`, JSON text messages told apart by \`op\`.`,
        "Sign in with a bearer token in the Authorization header, the session cookie, or `init`.",
        "Keep `epoch` and the last `seq` (of notices and heartbeats): after a break, `subscribe` with them",
        "and nothing is missed and nothing comes twice.",
        `Close codes: ${CLOSE.goingAway} stopping, ${CLOSE.badMessage} message not understood,`,
        `${CLOSE.unauthorized} not signed in, ${CLOSE.initTimeout} no init in time,`,
        `${CLOSE.tooSlow} reader too slow.`,
      ].join(" "),
    },
    channels: {
      events: { address: "/api/v1/events", messages: names([...FROM_CLIENT, ...FROM_SERVER]) },
    },
    operations: {
      hear: {
        action: "receive",
        channel: { $ref: "#/channels/events" },
        messages: messageRefs(FROM_CLIENT),
      },
      tell: {
        action: "send",
        channel: { $ref: "#/channels/events" },
        messages: messageRefs(FROM_SERVER),
      },
    },
    components: {
      messages: Object.fromEntries(
        [...FROM_CLIENT, ...FROM_SERVER].map((name) => [
          name,
          { summary: SUMMARY[name], payload: { $ref: `#/components/schemas/${name}` } },
        ]),
      ),
      schemas: SCHEMAS,
    },
  }
}
