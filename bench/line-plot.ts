// Lines over time as an SVG picture. Draws what it is given.

export interface PlotLine {
  readonly name: string
  readonly colour: string
  /** Evenly over the time. */
  readonly values: readonly number[]
}

const WIDTH = 760
const HEIGHT = 260
const LEFT = 70
const RIGHT = 190
const TOP = 30
const BOTTOM = 34

/** @param time how long all of it is, as 24 "h" */
export function linePlot(
  title: string,
  unit: string,
  lines: readonly PlotLine[],
  time: { readonly length: number; readonly unit: string },
): string {
  const most = Math.max(1e-9, ...lines.flatMap(({ values }) => values)) * 1.05
  const x = (part: number): number => LEFT + part * (WIDTH - LEFT - RIGHT)
  const y = (value: number): number => HEIGHT - BOTTOM - (value / most) * (HEIGHT - TOP - BOTTOM)
  const text = (at: number, of: number, words: string, anchor = "start", colour = "#444"): string =>
    `<text x="${at.toFixed(1)}" y="${of.toFixed(1)}" text-anchor="${anchor}" fill="${colour}">${words}</text>`
  const marks = [0, 0.25, 0.5, 0.75, 1].flatMap((part) => [
    text(x(part), HEIGHT - 12, `${part * time.length} ${time.unit}`, "middle"),
    `<path d="M${LEFT} ${y(part * most).toFixed(1)}H${WIDTH - RIGHT}" stroke="#ddd" fill="none"/>`,
    text(LEFT - 6, y(part * most) + 4, Number((part * most).toPrecision(2)).toString(), "end"),
  ])
  const drawn = lines.flatMap(({ name, colour, values }, number) => {
    const points = values.map(
      (value, i) => `${x(i / Math.max(1, values.length - 1)).toFixed(1)},${y(value).toFixed(1)}`,
    )
    return [
      `<polyline points="${points.join(" ")}" fill="none" stroke="${colour}" stroke-width="1.5"/>`,
      text(WIDTH - RIGHT + 10, TOP + 10 + number * 18, name, "start", colour),
    ]
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" role="img">`,
    `<title>${title}</title><rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(LEFT, 18, `${title} (${unit})`, "start", "#000"),
    ...marks,
    ...drawn,
    "</svg>\n",
  ].join("\n")
}
