// yangcli at the controller's northbound: it learns our modules by itself, orders a service leaf by leaf, reads what
// became of it and calls the operations.

import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { appId, Site } from "../north/network-site.js"
import { runYangcli } from "../support/yangcli.js"
import { sshFixture } from "../transport/ssh-fixture.js"

describe("yangcli at the northbound of a controller", function () {
  this.timeout(180_000)

  before(function () {
    if (spawnSync("yangcli", ["--version"]).error === undefined) return
    console.error("      yangcli is not installed: skipped")
    this.skip()
  })

  it("learns the modules, orders a service, reads its state, moves and removes it", async () => {
    const site = await Site.open()
    const { server } = site.netconf
    const fixture = await sshFixture({
      open: (pipe, who) => server.open(pipe, { ...who, groups: ["operator"] }),
    })
    try {
      const id = appId(1)
      const app = `/qkd_network/qkd_apps/qkd_app[app_id='${id}']`
      const out = await runYangcli(fixture, [
        `register-application app_id=${id} server_app_id=sae-a client_app_id=sae-c`,
        // It edits the candidate, since there is one.
        `merge ${app}/app_priority value=6`,
        "commit",
        `sget-config source=running ${app}`,
        `xget ${app}/state/service_state`,
        `compute-candidate-paths app_id=${id} max_paths=2`,
        `move-service app_id=${id}`,
        `register-application app_id=${id} server_app_id=sae-a client_app_id=sae-c`,
      ])
      assert.match(out, /keyloom-connectivity@2026-11-27/, out)
      assert.match(out, /keyloom-maintenance@2026-11-28/, out)
      const service = site.bench.controller.network().services.get(id) ?? assert.fail(out)
      assert.equal(service.terms.priority, 6, out)
      assert.match(out, /service_state active/, out)
      assert.match(out, /hop_count 2/, out)
      assert.match(out, /data-exists/, out)
    } finally {
      await fixture.close()
    }
  })
})
