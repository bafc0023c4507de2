// When a role is to stop: on SIGINT, on SIGTERM, and when the process that started it is gone.

export interface StopAsked {
  readonly asked: Promise<void>
  readonly signal: AbortSignal
}

export function untilAsked(): StopAsked {
  const abort = new AbortController()
  const asked = new Promise<void>((resolve) => {
    const stop = (): void => {
      abort.abort()
      resolve()
    }
    process.on("SIGINT", stop)
    process.on("SIGTERM", stop)
    // A child whose supervisor was killed must not live on: it would hold ports and stores.
    if (process.send !== undefined) process.on("disconnect", stop)
  })
  // THREATS I1: SIGUSR1 would open the inspector, and with it all memory.
  process.on("SIGUSR1", () => undefined)
  return { asked, signal: abort.signal }
}
