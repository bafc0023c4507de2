// Promise.all that leaves nothing running behind a fault: what was lent to the others may be wiped afterwards.

/** @throws the first fault, once all have ended */
export async function allDone<T>(all: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(all)
  return Promise.all(all)
}
