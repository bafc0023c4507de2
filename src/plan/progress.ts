// How far a long run has come; who listens decides what to make of it.

export type Progress = (done: number, total: number) => void
