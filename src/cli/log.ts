// The log of a role process: one JSON line an entry, on standard output, with the names that could hold a secret
// blanked. Level by KEYLOOM_LOG (debug, info, warn, error; info where absent).

import { pino, type Logger, type LoggerOptions } from "pino"
import { StandardOutput } from "./standard-output.js"

const REDACTED = [
  "token",
  "*.token",
  "code",
  "*.code",
  "key",
  "*.key",
  "pin",
  "*.pin",
  "authorization",
  "*.authorization",
  "cookie",
  "*.cookie",
]

export function roleLog(role: string): Logger {
  const options: LoggerOptions = {
    level: process.env["KEYLOOM_LOG"] ?? "info",
    base: { role },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: REDACTED, censor: "<secret>" },
  }
  return pino(options, new StandardOutput())
}
