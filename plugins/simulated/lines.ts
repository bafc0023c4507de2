// What goes over the socket between a simulated module and the fibre plant: short lines of text. Splits bytes
// into lines and knows the three kinds of line a module gets; knows neither plant nor module.
//
//   module ─▶ plant   first line: {"fibreId","end","token"}; every later line is for the other end
//   plant ─▶ module   l{"on":true,"lossDb":7}   light, or none
//                     f...                      a line from the other end
//                     r...                      refused, with the reason; the plant then hangs up

export type FibreEndName = "a" | "b"

export interface Attach {
  readonly fibreId: string
  readonly end: FibreEndName
  readonly token: string
}

export interface Light {
  /** Whether light from the other end arrives: the fibre is whole and the other module is there. */
  readonly on: boolean
  readonly lossDb?: number
}

/** Longest line either side accepts, newline excluded. */
export const MAX_LINE_BYTES = 4096

/** Collects lines from chunks that may break anywhere. */
export class LineReader {
  #held = ""

  /** The complete lines, or null when a line is too long: then nothing more can be trusted. */
  push(chunk: Buffer): string[] | null {
    const parts = (this.#held + chunk.toString("latin1")).split("\n")
    this.#held = parts.pop() ?? ""
    const tooLong =
      this.#held.length > MAX_LINE_BYTES || parts.some((p) => p.length > MAX_LINE_BYTES)
    return tooLong ? null : parts
  }
}

/** A JSON object, or undefined for anything else. */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined
    return value as Readonly<Record<string, unknown>>
  } catch {
    return undefined
  }
}

export function parseAttach(line: string): Attach | undefined {
  const { fibreId, end, token } = parseObject(line) ?? {}
  if (typeof fibreId !== "string" || typeof token !== "string") return undefined
  return end === "a" || end === "b" ? { fibreId, end, token } : undefined
}

export function parseLight(text: string): Light | undefined {
  const { on, lossDb } = parseObject(text) ?? {}
  if (typeof on !== "boolean") return undefined
  return { on, ...(typeof lossDb === "number" ? { lossDb } : {}) }
}
