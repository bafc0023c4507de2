// The log of a role process: one JSON line an entry, on standard output, with the names that could hold a secret
// blanked. Level by KEYLOOM_LOG (debug, info, warn, error; info where absent).

import { pino, type Logger } from "pino"

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
  return pino({
    level: process.env["KEYLOOM_LOG"] ?? "info",
    base: { role },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: REDACTED, censor: "<secret>" },
  })
}
