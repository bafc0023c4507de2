// The shapes of `POST /reoptimisation`.

import {
  boolean,
  bps,
  count,
  type JsonSchema,
  list,
  object,
  oneOf,
  string,
} from "./schema-words.js"

const path = list(object({ qkdlId: string, "name?": string }))
const figures = object({ before: bps("Now"), after: bps("When all is moved") })

export const REOPTIMISATION_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  ReoptimisationOrder: object(
    { dryRun: { ...boolean, description: "true: show what would be moved, move nothing" } },
    "Look for better places for the services that stand.",
  ),
  Reoptimisation: object(
    {
      moves: list(
        object({
          serviceId: string,
          name: { ...string, description: "Its SAEs" },
          rateBps: bps("What it takes of each link"),
          "from?": { ...path, description: "The links it leaves; absent when it has no path yet" },
          "fromBeside?": {
            ...list(path),
            description: "Of a service on several paths, the others",
          },
          to: { ...path, description: "The links it takes" },
          "toBeside?": { ...list(path), description: "Of a service on several paths, the others" },
          nodes: { ...count, description: "What it costs: nodes told to take part or to let go" },
          group: { ...count, description: "Moves that are worth it only together have one number" },
          worth: { ...string, description: "Why it is worth it" },
        }),
      ),
      carriedBps: { ...figures, description: "Guaranteed rates of the services looked at" },
      linkBps: { ...figures, description: "Over all links, what these services take of them" },
      boundBps: bps("Whatever was moved, more of them could not be carried"),
      leftAlone: {
        ...count,
        description:
          "Services not looked at: on the move, degraded, about to return, promised no rate",
      },
      text: { ...list(string), description: "The same in lines for a person" },
      "outcome?": {
        ...object({
          state: oneOf("moving", "done", "ended"),
          "moved?": { ...count, description: "How many of the moves stand" },
          "reason?": { ...string, description: "Why the rest was left" },
        }),
        description: "Absent of a dry run",
      },
    },
    "Moves in the order in which they are made, each before the old path is broken; nobody loses anything by them.",
  ),
}
