// Range and length arguments (RFC 7950 sections 9.2.4 and 9.4.4): closed intervals of integers.

import type { Interval } from "./schema-types.js"

/**
 * Read `1..10 | 20 | min..max`, restricting `base`.
 *
 * @param fractionDigits decimal64: numbers carry a point and are scaled by 10^n.
 * @returns the intervals, or what is wrong with the argument.
 */
export function parseIntervals(
  text: string,
  base: readonly Interval[],
  fractionDigits = 0,
): readonly Interval[] | string {
  const lowest = base[0]?.min ?? 0n
  const highest = base.at(-1)?.max ?? 0n
  const bound = (word: string): bigint | undefined => {
    if (word === "min") return lowest
    if (word === "max") return highest
    return scaled(word, fractionDigits)
  }
  const intervals: Interval[] = []
  for (const part of text.split("|")) {
    const ends = part.split("..").map((word) => bound(word.trim()))
    const min = ends[0]
    const max = ends.length === 2 ? ends[1] : min
    if (ends.length > 2 || min === undefined || max === undefined)
      return `${JSON.stringify(part.trim())} is not an interval`
    if (min > max) return `${JSON.stringify(part.trim())} runs backwards`
    const before = intervals.at(-1)
    if (before !== undefined && min <= before.max) return "intervals overlap or are out of order"
    if (!base.some((b) => min >= b.min && max <= b.max))
      return `${JSON.stringify(part.trim())} is outside the type it restricts`
    intervals.push({ min, max })
  }
  return intervals
}

/** `1.5` with two fraction digits is 150n; undefined when it is no such number. */
export function scaled(text: string, fractionDigits: number): bigint | undefined {
  const match = /^([+-]?)([0-9]+)(?:\.([0-9]+))?$/.exec(text)
  if (match === null) return undefined
  const fraction = match[3] ?? ""
  if (fraction.length > fractionDigits) return undefined
  const digits = BigInt((match[2] ?? "") + fraction.padEnd(fractionDigits, "0"))
  return match[1] === "-" ? -digits : digits
}

/** Canonical decimal64 text (RFC 7950 9.3.2): no needless zeros, at least one digit on each side of the point. */
export function unscaled(value: bigint, fractionDigits: number): string {
  const sign = value < 0n ? "-" : ""
  const digits = (value < 0n ? -value : value).toString().padStart(fractionDigits + 1, "0")
  const whole = digits.slice(0, digits.length - fractionDigits)
  const fraction = digits.slice(digits.length - fractionDigits).replace(/0+$/, "")
  return `${sign}${whole}.${fraction === "" ? "0" : fraction}`
}

export function within(value: bigint, intervals: readonly Interval[]): boolean {
  return intervals.some((i) => value >= i.min && value <= i.max)
}

/** The intervals as a module would write them, for messages. */
export function showIntervals(intervals: readonly Interval[], fractionDigits = 0): string {
  const show = (n: bigint): string =>
    fractionDigits === 0 ? n.toString() : unscaled(n, fractionDigits)
  return intervals
    .map((i) => (i.min === i.max ? show(i.min) : `${show(i.min)}..${show(i.max)}`))
    .join(" | ")
}
