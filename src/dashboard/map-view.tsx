// The live map: a canvas painted from the scene whenever something changed, with zooming, choosing and a tooltip.
// Each painting tells what was drawn in a `keyloom-drawn` event, so that tests can see what the eye sees.

import { select } from "d3-selection"
import { zoom, type ZoomBehavior, zoomIdentity, type ZoomTransform } from "d3-zoom"
import type { TargetedMouseEvent, VNode } from "preact"
import { useEffect, useMemo, useRef, useState } from "preact/hooks"
import { draw, LABEL_FONT, paletteOf, SMALL_FONT } from "./draw.js"
import { bits, percent, rate } from "./format.js"
import { fit, layOut, type Point, type View } from "./layout.js"
import { Legend } from "./legend.js"
import { buildScene, FEW, hit, type Scene } from "./scene.js"
import type { Store } from "./store.js"
import { LINK_WORDS, REACH_WORDS } from "./words.js"

/** Room for labels at the rim: more where second lines are drawn. */
function paddingFor(nodes: number): { x: number; y: number } {
  return nodes <= FEW ? { x: 96, y: 76 } : { x: 76, y: 46 }
}

interface Hover {
  readonly at: Point
  readonly title: string
  readonly text: string
}

function hoverOf(store: Store, scene: Scene, at: Point): Hover | undefined {
  const under = hit(scene, at)
  const node = under?.kind === "node" ? store.nodes.get(under.id) : undefined
  if (node !== undefined) return { at, title: node.name, text: REACH_WORDS[node.reach] }
  const link = under?.kind === "link" ? store.links.get(under.id) : undefined
  if (link === undefined) return undefined
  const { skrBps, stockBits } = link.performance
  const use = percent(store.shareOf(link))
  const figures =
    link.status === "ACTIVE" ? `${rate(skrBps)}, ${use} in use` : LINK_WORDS[link.status]
  return { at, title: store.linkName(link), text: `${figures}, stock ${bits(stockBits)}` }
}

/** A painter of texts' widths: remembers, since labels seldom change. */
function measurer(): (text: string, small: boolean) => number {
  const ctx = document.createElement("canvas").getContext("2d")
  const known = new Map<string, number>()
  return (text, small) => {
    const key = `${small ? "s" : "l"}${text}`
    const held = known.get(key)
    if (held !== undefined || ctx === null) return held ?? text.length * 7
    ctx.font = small ? SMALL_FONT : LABEL_FONT
    const { width } = ctx.measureText(text)
    known.set(key, width)
    return width
  }
}

export function MapView({ store }: { readonly store: Store }): VNode {
  const { version } = store
  const canvas = useRef<HTMLCanvasElement>(null)
  const scene = useRef<Scene | undefined>(undefined)
  const zooming = useRef<ZoomBehavior<HTMLCanvasElement, unknown> | undefined>(undefined)
  const [size, setSize] = useState({ width: 0, height: 0 })
  const [transform, setTransform] = useState<ZoomTransform>(zoomIdentity)
  const [hover, setHover] = useState<Hover | undefined>(undefined)
  const [theme, setTheme] = useState(0)
  const measure = useMemo(measurer, [])
  const layout = useMemo(
    () => layOut(store.nodes.values(), store.links.values()),
    [store, store.shape],
  )
  const base = useMemo(
    () => fit(layout.points.values(), size, paddingFor(layout.points.size)),
    [layout, size],
  )

  useEffect(() => {
    const element = canvas.current
    if (element === null) return
    const watch = new ResizeObserver(() => {
      setSize({ width: element.clientWidth, height: element.clientHeight })
    })
    watch.observe(element)
    const behaviour = zoom<HTMLCanvasElement, unknown>()
      .scaleExtent([0.4, 60])
      .on("zoom", (event: { transform: ZoomTransform }) => {
        setTransform(event.transform)
      })
    select(element).call(behaviour).on("dblclick.zoom", null)
    zooming.current = behaviour
    const repaint = (): void => {
      setTheme((n) => n + 1)
    }
    const system = matchMedia("(prefers-color-scheme: dark)")
    system.addEventListener("change", repaint)
    const attribute = new MutationObserver(repaint)
    attribute.observe(document.documentElement, { attributeFilter: ["data-theme"] })
    return () => {
      watch.disconnect()
      attribute.disconnect()
      system.removeEventListener("change", repaint)
    }
  }, [])

  const palette = useMemo(() => paletteOf(document.documentElement), [theme])

  useEffect(() => {
    const element = canvas.current
    const ctx = element?.getContext("2d")
    if (element === null || ctx === null || ctx === undefined || size.width === 0) return
    const density = devicePixelRatio || 1
    const [w, h] = [Math.round(size.width * density), Math.round(size.height * density)]
    if (element.width !== w) element.width = w
    if (element.height !== h) element.height = h
    const view: View = {
      k: base.k * transform.k,
      x: base.x * transform.k + transform.x,
      y: base.y * transform.k + transform.y,
    }
    const drawn = buildScene({ store, layout, view, size, measure })
    scene.current = drawn
    ctx.setTransform(density, 0, 0, density, 0, 0)
    draw(ctx, drawn, palette)
    element.dispatchEvent(new CustomEvent("keyloom-drawn", { bubbles: true, detail: drawn }))
  }, [store, version, size, base, transform, layout, palette, measure])

  const pointOf = (event: TargetedMouseEvent<HTMLCanvasElement>): Point => ({
    x: event.offsetX,
    y: event.offsetY,
  })
  const step = (factor: number): void => {
    if (canvas.current !== null) zooming.current?.scaleBy(select(canvas.current), factor)
  }
  const all = (): void => {
    if (canvas.current !== null) zooming.current?.transform(select(canvas.current), zoomIdentity)
  }
  const making = [...store.links.values()].filter((link) => link.status === "ACTIVE").length

  return (
    <section class="panel map" aria-label="Map">
      <div class="sheet">
        <canvas
          ref={canvas}
          role="img"
          aria-label={`Map of ${store.summary}; ${making} of ${store.links.size} links make keys. The tables list the same.`}
          class={hover === undefined ? "" : "over"}
          onMouseMove={(event) => {
            const drawn = scene.current
            setHover(drawn === undefined ? undefined : hoverOf(store, drawn, pointOf(event)))
          }}
          onMouseLeave={() => {
            setHover(undefined)
          }}
          onClick={(event) => {
            const drawn = scene.current
            if (drawn !== undefined) store.select(hit(drawn, pointOf(event)))
          }}
        />
        {hover === undefined ? null : (
          <div
            class="tip"
            style={{
              left: `${Math.min(hover.at.x + 14, size.width - 240)}px`,
              top: `${Math.max(8, hover.at.y - 52)}px`,
            }}
          >
            <b>{hover.title}</b>
            <br />
            {hover.text}
          </div>
        )}
        <div class="zoom" role="group" aria-label="Zoom">
          <button
            type="button"
            aria-label="Zoom in"
            onClick={() => {
              step(1.6)
            }}
          >
            +
          </button>
          <button
            type="button"
            aria-label="Zoom out"
            onClick={() => {
              step(1 / 1.6)
            }}
          >
            −
          </button>
          <button type="button" aria-label="Show all" onClick={all}>
            <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true">
              <path
                d="M2 6V2h4M10 2h4v4M14 10v4h-4M6 14H2v-4"
                fill="none"
                stroke="currentColor"
                stroke-width="1.7"
              />
            </svg>
          </button>
        </div>
      </div>
      <Legend store={store} />
    </section>
  )
}
