// What the consumers of keys have in common as programs: their file, their log, their end.

import { readFileSync } from "node:fs"
import path from "node:path"
import type { Logger } from "pino"
import { CONSUMER_CONFIG_MODULES, type TunnelSettings } from "../consumer/config.js"
import type { Consumer } from "../consumer/consumer.js"
import { QkdError } from "../errors.js"
import { loadYangFiles } from "../transport/yang-files.js"
import type { SchemaSource } from "../yang/schema.js"
import { exitWhenStopped } from "./exit.js"
import { roleLog } from "./log.js"
import { refuseMemoryDoors } from "./memory-doors.js"
import { type StopAsked, untilAsked } from "./until-asked.js"

/** @throws QkdError naming the file, with the path of the first fault in it */
export function readConsumerConfig<S extends { readonly tunnel: TunnelSettings }>(
  role: string,
  file: string,
  read: (sources: readonly SchemaSource[], text: string, baseDir: string) => S,
): { readonly settings: S; readonly log: Logger; readonly stopAsked: StopAsked } {
  refuseMemoryDoors()
  const stopAsked = untilAsked()
  let text: string
  try {
    text = readFileSync(file, "utf8")
  } catch (cause) {
    throw new QkdError("invalid-value", `cannot read ${file}`, { cause })
  }
  try {
    const sources = loadYangFiles(CONSUMER_CONFIG_MODULES)
    const settings = read(sources, text, path.dirname(path.resolve(file)))
    const log = roleLog(`consumer ${role}`).child({ tunnel: settings.tunnel.name })
    return { settings, log, stopAsked }
  } catch (cause) {
    if (!(cause instanceof QkdError)) throw cause
    const at =
      cause.path === undefined || cause.message.includes(cause.path) ? "" : `${cause.path}: `
    throw new QkdError(cause.tag, `${file}: ${at}${cause.message}`, { cause })
  }
}

/** Until it is asked to stop; the tunnel stands as it is afterwards. */
export async function untilConsumerEnds(consumer: Consumer, stopAsked: StopAsked): Promise<never> {
  process.send?.({ kind: "ready" })
  await stopAsked.asked
  return exitWhenStopped(consumer.stop())
}
