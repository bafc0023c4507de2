// Lets a component follow the store, a few times a second however many notices come.

import { useEffect, useState } from "preact/hooks"
import type { Store } from "./store.js"

/** Notices may come by the hundred a second: the page is drawn anew at most this often. */
const EVERY_MS = 120

/** Re-renders when the store changed: at once after quiet, else a little later. Returns its version. */
export function useStore(store: Store): number {
  const [version, setVersion] = useState(store.version)
  useEffect(() => {
    let waiting = 0
    let lastMs = 0
    const stop = store.subscribe(() => {
      if (waiting !== 0) return
      const waitMs = Math.max(0, lastMs + EVERY_MS - performance.now())
      if (waitMs === 0) show()
      else waiting = setTimeout(show, waitMs)
    })
    const show = (): void => {
      waiting = 0
      lastMs = performance.now()
      setVersion(store.version)
    }
    return () => {
      stop()
      clearTimeout(waiting)
    }
  }, [store])
  return version
}

/** The time, every second: for ages. */
export function useClock(): number {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    const timer = setInterval(() => {
      setNow(Date.now())
    }, 1000)
    return () => {
      clearInterval(timer)
    }
  }, [])
  return now
}
