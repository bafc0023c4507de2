// Numbers and times as people read them. Decimal prefixes, three significant digits, never more.

const PREFIXES = ["", "k", "M", "G", "T"] as const

function scaled(value: number): { text: string; prefix: string } {
  let at = 0
  let rest = value
  while (rest >= 999.5 && at < PREFIXES.length - 1) {
    rest /= 1000
    at += 1
  }
  const digits = at === 0 ? 0 : rest < 9.995 ? 2 : rest < 99.95 ? 1 : 0
  return { text: rest.toFixed(digits), prefix: PREFIXES[at] ?? "" }
}

/** `16.9 kbit/s`; a dash when nothing is known. */
export function rate(bps: number | undefined): string {
  if (bps === undefined) return "–"
  const { text, prefix } = scaled(bps)
  return `${text} ${prefix}bit/s`
}

/** `12.4 Mbit`. */
export function bits(count: number | undefined): string {
  if (count === undefined) return "–"
  const { text, prefix } = scaled(count)
  return `${text} ${prefix}bit`
}

/** `3 %`, `0.4 %`. */
export function percent(share: number | undefined): string {
  if (share === undefined || !Number.isFinite(share)) return "–"
  const hundredths = share * 100
  const digits = hundredths !== 0 && hundredths < 9.95 ? 1 : 0
  return `${hundredths.toFixed(digits)} %`
}

/** A span in the largest two units: `4 s`, `3 min 20 s`, `2 h 5 min`, `6 d 3 h`. */
export function span(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000))
  if (s < 60) return `${s} s`
  const pairs: readonly [number, string, number, string][] = [
    [60, "min", 1, "s"],
    [3600, "h", 60, "min"],
    [86400, "d", 3600, "h"],
  ]
  const [big, bigName, small, smallName] = pairs.find(
    ([unit], i) => s < unit * (i === 0 ? 60 : 24),
  ) ?? [86400, "d", 3600, "h"]
  const rest = Math.floor((s % big) / small)
  return `${Math.floor(s / big)} ${bigName}${rest === 0 ? "" : ` ${rest} ${smallName}`}`
}

/** `09:41:07`, in the reader's own time zone. */
export function clock(time: string): string {
  const at = new Date(time)
  const two = (n: number): string => String(n).padStart(2, "0")
  return Number.isNaN(at.getTime())
    ? "–"
    : `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}

/** `28 Nov 09:41`, in the reader's own time zone. */
export function shortTime(time: string): string {
  const at = new Date(time)
  if (Number.isNaN(at.getTime())) return "–"
  const month = at.toLocaleString("en", { month: "short" })
  return `${at.getDate()} ${month} ${clock(time).slice(0, 5)}`
}

/** `2 links`, `1 link`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
