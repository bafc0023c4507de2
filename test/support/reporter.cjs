// Mocha's spec report, plus the plain counts and the failures for whoever reads only the last lines.
"use strict"
const { writeFileSync } = require("node:fs")
const { relative } = require("node:path")
const { reporters } = require("mocha")

module.exports = class extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options)
    const file = process.env.KEYLOOM_TEST_COUNTS
    const failed = []
    // By file, with what its hooks take.
    const seconds = {}
    let from = 0
    runner.on("suite", (suite) => {
      if (suite.parent?.root) from = Date.now()
    })
    runner.on("suite end", (suite) => {
      if (!suite.parent?.root) return
      const name = relative(process.cwd(), suite.file ?? "")
      seconds[name] = (seconds[name] ?? 0) + (Date.now() - from) / 1000
    })
    runner.on("fail", (test, error) => {
      failed.push({
        title: test.titlePath().join(" › "),
        error: String(error.stack ?? error),
      })
    })
    runner.once("end", () => {
      if (file === undefined) return
      const { passes = 0, failures = 0, pending = 0 } = this.stats
      writeFileSync(file, JSON.stringify({ passes, failures, pending, failed, seconds }))
    })
  }
}
