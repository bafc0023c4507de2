// How far a long run has come; who listens decides what to make of it.

export type Progress = (done: number, total: number) => void

/** What a run by stages counts to. */
export const PARTS = 1000

/** Tells of one stage of a run, from one part of the whole to another; the stage itself counts from 0 to 1. */
export function stageOf(progress: Progress, from: number, to: number): (part: number) => void {
  return (part) => {
    // Never quite done: the run itself says so at its end.
    progress(Math.min(PARTS - 1, Math.floor(PARTS * (from + (to - from) * part))), PARTS)
  }
}
