// A bounded queue of notifications for one reader. Drops nothing: beyond its bound it says so.

import type { NetconfNotification } from "./client.js"

export class NotificationQueue implements AsyncIterable<NetconfNotification> {
  readonly #maxLength: number
  #held: NetconfNotification[] = []
  #waiting: ((result: IteratorResult<NetconfNotification>) => void)[] = []
  #ended = false

  constructor(maxLength: number) {
    this.#maxLength = maxLength
  }

  /** False when the reader is too far behind: the notification is not kept, the session must end. */
  push(notification: NetconfNotification): boolean {
    if (this.#ended) return true
    const reader = this.#waiting.shift()
    if (reader !== undefined) {
      reader({ value: notification, done: false })
      return true
    }
    if (this.#held.length >= this.#maxLength) return false
    this.#held.push(notification)
    return true
  }

  /** What is held can still be read; after it the iteration ends. */
  end(): void {
    this.#ended = true
    for (const reader of this.#waiting.splice(0)) reader({ value: undefined, done: true })
  }

  [Symbol.asyncIterator](): AsyncIterator<NetconfNotification> {
    return {
      next: () => {
        const first = this.#held.shift()
        if (first !== undefined) return Promise.resolve({ value: first, done: false })
        if (this.#ended) return Promise.resolve({ value: undefined, done: true })
        return new Promise((resolve) => this.#waiting.push(resolve))
      },
      return: () => Promise.resolve({ value: undefined, done: true }),
    }
  }
}
