// Tables for people: columns side by side, figures to the right, no borders. One line a row, so that other tools cut
// them well.

export interface Column {
  readonly head: string
  /** Figures stand to the right. */
  readonly right?: boolean
}

/** Rows as lines; empty without rows. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return ""
  const all = [columns.map(({ head }) => head), ...rows]
  const widths = columns.map((_, i) => Math.max(...all.map((row) => (row[i] ?? "").length)))
  return all
    .map((row) => {
      const cells = columns.map(({ right }, i) => {
        const cell = row[i] ?? ""
        return right === true ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)
      })
      return `  ${cells.join("  ").trimEnd()}\n`
    })
    .join("")
}

/** At most six digits that count. */
export function figure(value: number): string {
  return String(Number(value.toPrecision(6)))
}

/** 0.153 as `15.3 %`. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
