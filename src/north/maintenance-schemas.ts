// The shapes of planned maintenance, and of rates of links that are known beforehand.

import { count, type JsonSchema, list, object, oneOf, string, time } from "./schema-words.js"

const name = { ...string, minLength: 1, maxLength: 255 }

export const MAINTENANCE_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  RateProfile: {
    ...object({
      profile: {
        ...list(object({ at: time, skrBps: { ...count, maximum: 4_294_967_295 } })),
        minItems: 1,
        maxItems: 96,
        description: "In order of time: from `at` on the link makes so much",
      },
      "repeatS?": {
        type: "integer",
        minimum: 60,
        maximum: 31_622_400,
        description: "All of it comes again after so many seconds; 86400 for days",
      },
    }),
    description: "What a link is expected to make over time.",
  },
  MaintenanceRequest: {
    ...object({
      "link?": { ...name, description: "What goes out, by qkdlId or name; or give `node`" },
      "node?": { ...name, description: "By qkdnId or name: it goes out with all its links" },
      "begin?": { ...time, description: "RFC 3339; at once where absent" },
      end: { ...time, description: "RFC 3339" },
      reason: { ...string, minLength: 1, maxLength: 255 },
    }),
    description: "A link or a node is out by plan from one time to another.",
  },
  Maintenance: object(
    {
      maintenanceId: string,
      "qkdlId?": { ...string, description: "The link that goes out" },
      "qkdnId?": { ...string, description: "The node that goes out, with all its links" },
      begin: time,
      end: time,
      reason: string,
      by: { ...string, description: "Who planned it" },
      state: {
        ...oneOf("planned", "draining", "inProgress"),
        description:
          "Bulk orders are scheduled round it; services are moved off and no new path is put there; it has begun. One that is over is no longer shown",
      },
      staying: {
        ...list(string),
        description:
          "Services that stand on what goes out and have no other path, greatest priority first: they are cut when it begins",
      },
      createdAt: time,
    },
    "Planned maintenance.",
  ),
}

/** Of a link that makes nothing by its rate profile. */
export const LINK_REST: JsonSchema = {
  ...object({ "until?": time }),
  description:
    "By its rate profile it makes no keys until then: that it is down is no alarm, up to a minute after",
}

/** Of a link that is concerned now. */
export const LINK_MAINTENANCE: JsonSchema = {
  ...object({
    stage: oneOf("leaving", "out"),
    maintenanceId: string,
    begin: time,
    end: time,
  }),
  description:
    "Planned maintenance of the link or of a node at its end. `leaving`: new paths no longer use it; `out`: it has begun, and that the link is down is no alarm",
}

/** Of a node that is in it. */
export const NODE_MAINTENANCE: JsonSchema = {
  ...object({ maintenanceId: string, end: time }),
  description: "Planned maintenance that has begun: that the node is gone is no alarm",
}
