// The page's calls over REST: signing in and out, and the journal from before it opened.

import type { Notice } from "./types.js"

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`/api/v1${path}`, { credentials: "same-origin", cache: "no-store", ...init })
}

async function detailOf(response: Response): Promise<string> {
  try {
    const problem: unknown = await response.json()
    if (problem !== null && typeof problem === "object" && "detail" in problem) {
      return String(problem.detail)
    }
  } catch {
    // Not a problem document: the status says it.
  }
  return `the controller answered ${response.status}`
}

export async function isSignedIn(): Promise<boolean> {
  return (await ask("/session")).ok
}

/** Trades a code or a token for the cookie. Resolves to what went wrong, or to nothing. */
export async function signIn(
  by: { code: string } | { token: string },
): Promise<string | undefined> {
  const response = await ask("/session", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(by),
  })
  return response.ok ? undefined : detailOf(response)
}

export async function signOut(): Promise<void> {
  await ask("/session", { method: "DELETE" })
}

/** The last notices before now. */
export async function lastNotices(limit: number): Promise<readonly Notice[]> {
  const response = await ask(`/events?limit=${limit}&without=link.performance`)
  if (!response.ok) return []
  const body: unknown = await response.json()
  if (body === null || typeof body !== "object" || !("items" in body)) return []
  return Array.isArray(body.items) ? (body.items as Notice[]) : []
}
